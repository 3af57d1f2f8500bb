import type { ObjectKind } from '../shared/schema.js';

/** The members of a message that the service worker of IBM's web SDK (BMSPushServiceWorker.js) reads, and Safari's. */
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
  // The worker fails for a message without a payload.
  required: ['nid', 'alert', 'payload'],
};
