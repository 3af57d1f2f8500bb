import type { ObjectKind } from '../shared/schema.js';

/** What the service worker of IBM's web SDK (BMSPushServiceWorker.js) reads of a message, and Safari's members beside. */
export const WORKER_MESSAGE: ObjectKind = {
  object: {
    nid: 'string',
    alert: 'string',
    title: 'string',
    body: 'string',
    iconUrl: 'string',
    url: 'string',
    urlArgs: { list: 'string' },
    action: 'string',
    payload: 'any',
  },
  // It stumbles over a message without a payload.
  required: ['nid', 'alert', 'payload'],
};
