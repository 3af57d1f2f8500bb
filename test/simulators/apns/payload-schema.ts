import type { Kind, ObjectKind } from '../shared/schema.js';

/**
 * The payload keys that Apple documents ("Generating a remote notification", "Payload Key Reference"). APNs accepts
 * unknown keys and phones ignore them, so the simulator accepts them too: tests check payloads against this schema.
 */

const FLAG: Kind = { values: [1] };
const STRINGS: Kind = { list: 'string' };

const ALERT: Kind = {
  object: {
    title: 'string',
    subtitle: 'string',
    body: 'string',
    'launch-image': 'string',
    'title-loc-key': 'string',
    'title-loc-args': STRINGS,
    'subtitle-loc-key': 'string',
    'subtitle-loc-args': STRINGS,
    'loc-key': 'string',
    'loc-args': STRINGS,
    // Archived: alerts of older phones, and groups of iOS 12 to 14.
    'action-loc-key': 'string',
    'summary-arg': 'string',
    'summary-arg-count': 'int',
  },
};

const SOUND: Kind = { object: { critical: { values: [0, 1] }, name: 'string', volume: { from: 0, to: 1 } } };

/** Payloads of push type `alert`; an app's own keys are beside `aps`. */
export const ALERT_PAYLOAD: ObjectKind = {
  object: {
    aps: {
      object: {
        alert: { either: ['string', ALERT] },
        badge: 'int',
        sound: { either: ['string', SOUND] },
        'thread-id': 'string',
        category: 'string',
        'content-available': FLAG,
        'mutable-content': FLAG,
        'target-content-id': 'string',
        'interruption-level': { values: ['passive', 'active', 'time-sensitive', 'critical'] },
        'relevance-score': { from: 0, to: 1 },
        'filter-criteria': 'string',
      },
    },
  },
  required: ['aps'],
  others: 'any',
};

/** Payloads of push type `background`: nothing visible or audible (Apple: "Pushing background updates to your App"). */
export const BACKGROUND_PAYLOAD: ObjectKind = {
  object: { aps: { object: { 'content-available': FLAG }, required: ['content-available'] } },
  required: ['aps'],
  others: 'any',
};
