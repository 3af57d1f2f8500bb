import type { Answer } from '../shared/provider.js';
import { findSchemaFault, type Kind, type Leniency, type SchemaFault } from '../shared/schema.js';
import { isFields, type Fields } from '../shared/shape.js';
import { formError, invalidArgument } from './google-error.js';
import { COLOUR, SEND_REQUEST } from './message-schema.js';

const MAX_TTL_SECONDS = 2_419_200;
const MAX_BYTES = 4096;
const MAX_TOPIC_BYTES = 2048;
const MAX_CONDITION_TOPICS = 5;
const TOPIC_NAME = /^[\w.~%-]+$/;
/** Google's JSON parser accepts camelCase for every field too. */
const PROTO_JSON: Leniency = {
  nameOf: (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  anyCase: true,
  nullIsAbsent: true,
};
const TARGETS = ['token', 'fid', 'topic', 'condition'] as const;

export interface SendTarget {
  kind: (typeof TARGETS)[number];
  value: string;
}

export type CheckedMessage = { refusal: Answer } | { request: Fields; message: Fields; target: SendTarget };

/** Checks first the JSON's form, like Google's transcoder, then FCM's own rules for a message. */
export function checkSendRequest(request: unknown, bodyLength: number): CheckedMessage {
  if (!isFields(request)) return form('Invalid JSON payload received.', '', 'Root element must be a message.');
  const fault = findSchemaFault(request, SEND_REQUEST, PROTO_JSON);
  if (fault) return { refusal: schemaRefusal(fault) };
  const message = request['message'];
  if (!isFields(message)) return invalid('message', 'Request must contain a message.');
  const targets = TARGETS.filter((name) => message[name] !== undefined && message[name] !== '');
  const [kind] = targets;
  if (kind === undefined) {
    return invalid('message', 'Recipient of the message is not set: exactly one of token, fid, topic, condition.');
  }
  if (targets.length > 1) {
    return form(`Invalid value at 'message' (oneof), oneof field 'target' is already set.`, 'message', 'two targets');
  }
  const target: SendTarget = { kind, value: message[kind] as string };
  const refusal = checkTarget(target) ?? checkContent(message) ?? checkSize(message, target, bodyLength);
  return refusal ? { refusal } : { request, message, target };
}

function form(message: string, field: string, description: string): { refusal: Answer } {
  return { refusal: formError(message, { field, description }) };
}

function invalid(field: string, description: string): { refusal: Answer } {
  return { refusal: invalidField(field, description) };
}

function invalidField(field: string, description: string): Answer {
  return invalidArgument(description, { field, description });
}

/** The answer of Google's transcoder, except for messages in well-formed JSON that FCM itself refuses. */
function schemaRefusal({ problem, path, name, kind, value }: SchemaFault): Answer {
  const at = path === '' ? '' : ` at '${path}'`;
  if (problem === 'missing') return invalidField(`${path}.${name}`, `Missing required field '${name}'${at}.`);
  const description =
    problem === 'unknown'
      ? `Invalid JSON payload received. Unknown name "${name}"${at}: Cannot find field.`
      : `Invalid value${at} (${typeName(kind)}), ${JSON.stringify(value)}`;
  if (kind === COLOUR || (typeof kind === 'object' && 'from' in kind)) return invalidField(path, description);
  return formError(description, { field: path, description });
}

function typeName(kind: Kind): string {
  if (typeof kind === 'string') return `TYPE_${kind.toUpperCase()}`;
  if ('values' in kind) return 'TYPE_ENUM';
  if ('pattern' in kind) return 'TYPE_DURATION';
  if ('list' in kind) return `list of ${typeName(kind.list)}`;
  return 'from' in kind ? 'TYPE_FLOAT' : 'TYPE_MESSAGE';
}

function checkTarget(target: SendTarget): Answer | null {
  if (target.kind === 'topic' && !TOPIC_NAME.test(target.value)) {
    return invalidArgument('Malformed topic name', { field: 'message.topic', description: 'Malformed topic name' });
  }
  if (target.kind !== 'condition') return null;
  const description = conditionFault(target.value);
  return description === null ? null : invalidArgument(description, { field: 'message.condition', description });
}

/** `'a' in topics && ('b' in topics || !('c' in topics))`, at most five topics. */
function conditionFault(condition: string): string | null {
  const topics = condition.match(/'[\w.~%-]+'\s+in\s+topics/g) ?? [];
  if (topics.length > MAX_CONDITION_TOPICS) return 'A condition has at most five topics';
  // Each test of a topic becomes one letter; brackets are then reduced from the inside until one letter is left.
  let folded = condition.replace(/'[\w.~%-]+'\s+in\s+topics/g, 't').replace(/\s+/g, '');
  for (let before = ''; before !== folded;) {
    before = folded;
    folded = folded.replace(/!t|\(t\)|t(&&|\|\|)t/g, 't');
  }
  return folded === 't' ? null : 'Invalid condition expression provided';
}

function checkContent(message: Fields): Answer | null {
  const android = message['android'];
  for (const [path, data] of [
    ['message.data', message['data']],
    ['message.android.data', isFields(android) ? android['data'] : undefined],
  ] as const) {
    const key = isFields(data) ? Object.keys(data).find(isReserved) : undefined;
    if (key === undefined) continue;
    const description = `Invalid data payload key: ${key}`;
    return invalidArgument(description, { field: path, description });
  }
  const ttl = isFields(android) ? android['ttl'] : undefined;
  if (typeof ttl !== 'string') return null;
  const seconds = Number.parseFloat(ttl);
  if (seconds >= 0 && seconds <= MAX_TTL_SECONDS) return null;
  const description = `Invalid TTL: 0 to ${MAX_TTL_SECONDS} seconds`;
  return invalidArgument(description, { field: 'message.android.ttl', description });
}

function isReserved(key: string): boolean {
  return key === 'from' || key === 'message_type' || key.startsWith('google.') || key.startsWith('gcm.');
}

/** FCM counts the payload's keys and values, not the envelope; a body within the limit need not be counted. */
function checkSize(message: Fields, target: SendTarget, bodyLength: number): Answer | null {
  const limit = target.kind === 'token' || target.kind === 'fid' ? MAX_BYTES : MAX_TOPIC_BYTES;
  if (bodyLength <= limit) return null;
  const android = isFields(message['android']) ? message['android'] : {};
  const parts = [message['data'], message['notification'], android['data'], android['notification']];
  if (parts.reduce<number>((sum, part) => sum + payloadBytes(part), 0) <= limit) return null;
  const description = `Message is too big: the payload may have ${limit} bytes`;
  return invalidArgument(description, { field: 'message', description });
}

function payloadBytes(part: unknown): number {
  if (part === undefined || part === null) return 0;
  if (Array.isArray(part)) return part.reduce<number>((sum, item) => sum + payloadBytes(item), 0);
  if (!isFields(part)) return Buffer.byteLength(typeof part === 'string' ? part : JSON.stringify(part));
  return Object.entries(part).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + payloadBytes(value), 0);
}
