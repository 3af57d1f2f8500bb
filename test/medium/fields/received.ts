import { ALERT_PAYLOAD, BACKGROUND_PAYLOAD } from '../../simulators/apns/payload-schema.js';
import { SEND_REQUEST } from '../../simulators/fcm/message-schema.js';
import { ANDROID_REQUEST, HARMONY_REQUEST } from '../../simulators/hms/message-schema.js';
import type { LedgerEntry } from '../../simulators/shared/ledger.js';
import { findSchemaFault, type ObjectKind } from '../../simulators/shared/schema.js';
import { isFields } from '../../simulators/shared/shape.js';
import { WORKER_MESSAGE } from '../../simulators/web-push/worker-schema.js';
import { findXmlFault } from '../../simulators/wns/notification-schema.js';
import { readXml, type XmlElement } from '../../simulators/wns/well-formed.js';
import { GONE, type Place, type Received } from './row.js';

/** Headers that depend on the message; other headers belong to the connection or the credentials. */
const HEADERS: Readonly<Record<Place, RegExp>> = {
  apns: /^apns-(?!id$)/,
  fcm: /^$/,
  hms: /^$/,
  harmony: /^push-type$/,
  wns: /^(x-wns-|content-type)/,
  chrome: /^(ttl|urgency|topic)$/,
  firefox: /^(ttl|urgency|topic)$/,
  safari: /^(ttl|urgency|topic)$/,
};

export function readReceived(place: Place, entries: readonly LedgerEntry[]): Received {
  const received: Received = {};
  for (const entry of entries) {
    const kind = place === 'wns' ? String(entry.headers['x-wns-type']).slice('wns/'.length) : '';
    for (const [name, value] of Object.entries(entry.headers))
      if (HEADERS[place].test(name)) received[kind === '' ? name : `${kind}: ${name}`] = value;
    const document = kind === '' || kind === 'raw' ? null : readXml(Buffer.from(String(entry.body)));
    if (document) readElement(document, kind, received);
    else readValue(bodyOf(place, entry.body), kind, received);
  }
  return received;
}

/** Google's and Huawei's v1 have the whole message in one member. */
function bodyOf(place: Place, body: unknown): unknown {
  return (place === 'fcm' || place === 'hms') && isFields(body) ? body['message'] : body;
}

function readValue(value: unknown, path: string, into: Received): void {
  const within = typeof value === 'string' && value.startsWith('{') ? (JSON.parse(value) as unknown) : null;
  if (within !== null) readValue(within, `${path} > `.trimStart(), into);
  else if (isFields(value) && Object.keys(value).length > 0) {
    const stem = path === '' || path.endsWith('> ') ? path : `${path}.`;
    for (const [name, member] of Object.entries(value)) readValue(member, stem + name, into);
  } else into[path] = value;
}

function readElement({ attributes, children, text }: XmlElement, path: string, into: Received): void {
  for (const [name, value] of Object.entries(attributes)) readValue(value, `${path}/@${name}`, into);
  if (text !== '') into[path] = text;
  for (const child of children) {
    const like = children.filter(({ name }) => name === child.name);
    readElement(child, `${path}/${child.name}${like.length > 1 ? `[${like.indexOf(child) + 1}]` : ''}`, into);
  }
}

/** The values of `after` that differ. */
export function differenceOf(before: Received, after: Received): Received {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const differing = paths.filter((path) => JSON.stringify(before[path]) !== JSON.stringify(after[path]));
  return Object.fromEntries(differing.map((path) => [path, path in after ? after[path] : GONE]));
}

/** The first deviation from the provider's published schema; null if there is none. Stricter than the provider. */
export function findFault(place: Place, { headers, body }: LedgerEntry): unknown {
  if (place !== 'wns') return findSchemaFault(body, schemaOf(place, headers));
  if (headers['x-wns-type'] === 'wns/raw') return null;
  const document = readXml(Buffer.from(String(body)));
  return document ? findXmlFault(document) : 'no XML';
}

function schemaOf(place: Exclude<Place, 'wns'>, headers: LedgerEntry['headers']): ObjectKind {
  if (place === 'apns') return headers['apns-push-type'] === 'background' ? BACKGROUND_PAYLOAD : ALERT_PAYLOAD;
  if (place === 'fcm') return SEND_REQUEST;
  if (place === 'hms') return ANDROID_REQUEST;
  return place === 'harmony' ? HARMONY_REQUEST : WORKER_MESSAGE;
}
