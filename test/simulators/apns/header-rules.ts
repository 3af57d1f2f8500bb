import type { IncomingHttpHeaders } from 'node:http2';
import type { ApnsKey } from './provider-token.js';

/** The end of the topic after the bundle id, by push type. */
const TOPIC_SUFFIX: Readonly<Record<string, string>> = {
  alert: '',
  background: '',
  voip: '.voip',
  complication: '.complication',
  fileprovider: '.pushkit.fileprovider',
  location: '.location-query',
  liveactivity: '.push-type.liveactivity',
  pushtotalk: '.voip-ptt',
  widgets: '.push-type.widgets',
  controls: '.push-type.controls',
};
/** 8-4-4-4-12, lower case as Apple writes it. */
const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_COLLAPSE_ID_BYTES = 64;

export interface HeaderRefusal {
  reason: string;
  detail: string;
}

/** Apple wants each header once; node:http2 would join or drop repeated ones before the simulator sees them. */
export function findDuplicateHeader(rawHeaders: readonly string[]): HeaderRefusal | null {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (rawHeaders.indexOf(name, i + 2) === -1) continue;
    // A name may also be the value of a later header: only even indices are names.
    for (let j = i + 2; j < rawHeaders.length; j += 2) {
      if (rawHeaders[j] === name) return { reason: 'DuplicateHeaders', detail: `${name} is given twice` };
    }
  }
  return null;
}

export function checkMessageId(headers: IncomingHttpHeaders): HeaderRefusal | null {
  const id = headers['apns-id'];
  if (id === undefined || CANONICAL_UUID.test(String(id))) return null;
  return { reason: 'BadMessageId', detail: 'apns-id is not a lower-case UUID' };
}

/** Topic, push type, priority, collapse id and expiration, in APNs' order. */
export function checkDeliveryHeaders(headers: IncomingHttpHeaders, key: ApnsKey): HeaderRefusal | null {
  const pushType = text(headers['apns-push-type']) ?? 'alert';
  return (
    checkTopic(text(headers['apns-topic']), pushType, key.bundleIds) ??
    checkPushType(pushType, text(headers['apns-priority'])) ??
    checkCollapseId(text(headers['apns-collapse-id'])) ??
    checkExpiration(text(headers['apns-expiration']))
  );
}

function checkTopic(topic: string | undefined, pushType: string, bundleIds: readonly string[]): HeaderRefusal | null {
  if (topic === undefined || topic === '') return { reason: 'MissingTopic', detail: 'no apns-topic' };
  if (!/^[\w.-]+$/.test(topic)) return { reason: 'BadTopic', detail: 'apns-topic is no bundle id' };
  const expected = TOPIC_SUFFIX[pushType];
  for (const bundleId of bundleIds) {
    if (!topic.startsWith(bundleId)) continue;
    const suffix = topic.slice(bundleId.length);
    // The next check reports an unknown push type.
    if (expected === undefined || suffix === expected) return null;
    if (Object.values(TOPIC_SUFFIX).includes(suffix)) {
      return { reason: 'BadTopic', detail: `push type ${pushType} wants the topic ${bundleId}${expected}` };
    }
  }
  return { reason: 'TopicDisallowed', detail: `the key may not send to ${topic}` };
}

function checkPushType(pushType: string, priority: string | undefined): HeaderRefusal | null {
  if (TOPIC_SUFFIX[pushType] === undefined) return { reason: 'InvalidPushType', detail: `${pushType} is unknown` };
  if (priority !== undefined && priority !== '10' && priority !== '5' && priority !== '1') {
    return { reason: 'BadPriority', detail: 'apns-priority is 10, 5 or 1' };
  }
  // Absent means 10.
  if (pushType === 'background' && priority !== '5') {
    return { reason: 'BadPriority', detail: 'a background push has priority 5' };
  }
  return null;
}

function checkCollapseId(collapseId: string | undefined): HeaderRefusal | null {
  // node:http2 returns header values as Latin-1, one character per byte.
  if (collapseId === undefined || (collapseId.length > 0 && collapseId.length <= MAX_COLLAPSE_ID_BYTES)) return null;
  return { reason: 'BadCollapseId', detail: 'apns-collapse-id is 1 to 64 bytes' };
}

function checkExpiration(expiration: string | undefined): HeaderRefusal | null {
  if (expiration === undefined || /^\d{1,15}$/.test(expiration)) return null;
  return { reason: 'BadExpirationDate', detail: 'apns-expiration is whole seconds' };
}

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
