import type { Kind, ObjectKind } from '../shared/schema.js';

/**
 * The payload keys that Apple documents ("Generating a remote notification", "Payload Key Reference"). APNs passes keys
 * on that it does not know and phones overlook them, so the simulator does not refuse them: tests hold payloads to
 * this.
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

/** Of push type `alert`; an app's own keys stand beside `aps`. */
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

/** Of push type `background`: nothing that shows or sounds (Apple: "Pushing background updates to your App"). */
export const BACKGROUND_PAYLOAD: ObjectKind = {
  object: { aps: { object: { 'content-available': FLAG }, required: ['content-available'] } },
  required: ['aps'],
  others: 'any',
};
