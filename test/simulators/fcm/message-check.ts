import type { Answer } from '../shared/provider.js';
import { isFields, type Fields } from '../shared/shape.js';
import { formError, invalidArgument } from './google-error.js';
import { SEND_REQUEST, type Kind, type ObjectKind } from './message-schema.js';

const MAX_TTL_SECONDS = 2_419_200;
const MAX_BYTES = 4096;
const MAX_TOPIC_BYTES = 2048;
const MAX_CONDITION_TOPICS = 5;
const DURATION = /^-?\d+(\.\d{1,9})?s$/;
const TOPIC_NAME = /^[\w.~%-]+$/;
const TARGETS = ['token', 'fid', 'topic', 'condition'] as const;

const SCALAR: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  int: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  duration: (value) => typeof value === 'string' && DURATION.test(value),
  timestamp: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  struct: isFields,
};

export interface SendTarget {
  kind: (typeof TARGETS)[number];
  value: string;
}

export type CheckedMessage = { refusal: Answer } | { request: Fields; message: Fields; target: SendTarget };

/** First the JSON's form, as Google's transcoder does, then what FCM itself asks of a message. */
export function checkSendRequest(request: unknown, bodyLength: number): CheckedMessage {
  if (!isFields(request)) return form('Invalid JSON payload received.', '', 'Root element must be a message.');
  const wrong = checkFields(request, SEND_REQUEST, '');
  if (wrong) return { refusal: wrong };
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
  return { refusal: invalidArgument(description, { field, description }) };
}

function checkFields(fields: Fields, kind: ObjectKind, path: string): Answer | null {
  for (const [name, value] of Object.entries(fields)) {
    // Google's JSON takes camelCase for every field too.
    const known = kind.object[name] ?? kind.object[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
    if (known === undefined) {
      const at = path === '' ? '' : ` at '${path}'`;
      const description = `Invalid JSON payload received. Unknown name "${name}"${at}: Cannot find field.`;
      return formError(description, { field: path, description });
    }
    const wrong = value === null ? null : checkValue(value, known, path === '' ? name : `${path}.${name}`);
    if (wrong) return wrong;
  }
  return null;
}

function checkValue(value: unknown, kind: Kind, path: string): Answer | null {
  if (typeof kind === 'object') {
    if ('values' in kind) {
      const holds = typeof value === 'string' && kind.values.includes(value.toUpperCase());
      return holds ? null : badValue(path, 'TYPE_ENUM', value);
    }
    return isFields(value) ? checkFields(value, kind, path) : badValue(path, 'TYPE_MESSAGE', value);
  }
  if (kind === 'map') return checkMap(value, path);
  if (kind === 'strings' || kind === 'durations') {
    const holds = SCALAR[kind.slice(0, -1)];
    const good = Array.isArray(value) && value.every((item) => holds?.(item));
    return good ? null : badValue(path, `list of ${kind}`, value);
  }
  return SCALAR[kind]?.(value) ? null : badValue(path, `TYPE_${kind.toUpperCase()}`, value);
}

function checkMap(value: unknown, path: string): Answer | null {
  if (!isFields(value)) return badValue(path, 'TYPE_MESSAGE', value);
  const index = Object.values(value).findIndex((item) => typeof item !== 'string');
  return index === -1 ? null : badValue(`${path}[${index}].value`, 'TYPE_STRING', Object.values(value)[index]);
}

function badValue(field: string, type: string, value: unknown): Answer {
  const description = `Invalid value at '${field}' (${type}), ${JSON.stringify(value)}`;
  return formError(description, { field, description });
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
  // With each test of a topic as one letter, brackets fold away from the inside until one letter is left.
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

/** FCM counts the payload's keys and values, not the envelope; a body within the limit needs no counting. */
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
