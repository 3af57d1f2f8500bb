import type { ReceivedRequest } from '../shared/provider.js';
import { findSchemaFault, type ObjectKind } from '../shared/schema.js';
import { isFields, type Fields } from '../shared/shape.js';
import { ANDROID_REQUEST, HARMONY_REQUEST } from './message-schema.js';

const MAX_TOKENS = 1000;
const MAX_BYTES = 4096;
const LONGEST_TTL_S = 1_296_000;
/** push-type of v3: alert, card, voice, background, live view, call. */
const PUSH_TYPE = /^(0|1|2|6|7|10)$/;

export interface HmsMessage {
  tokens: string[];
  messageId: string;
  collapseId: string;
  body: Fields;
}

/** The message of a `messages:send`, or the code that refuses it. */
export function readMessage(request: ReceivedRequest, version: string): HmsMessage | string {
  const body = parse(request.body);
  if (!body) return '80100003';
  const message = version === '3' ? readHarmony(request, body) : readAndroid(body);
  if (typeof message === 'string') return message;
  return isInForm(body, version === '3' ? HARMONY_REQUEST : ANDROID_REQUEST) ? message : '80100003';
}

/** Checks types, enumerations and required members; Huawei documents no refusal of unknown members. */
function isInForm(body: Fields, schema: ObjectKind): boolean {
  return findSchemaFault(body, schema, { unknownIsIgnored: true }) === null;
}

function readAndroid(body: Fields): HmsMessage | string {
  const { message } = body;
  if (!isFields(message)) return '80100003';
  const { token, android, notification, data } = message;
  const tokens = readTokens(token, { ...body, message: { ...message, token: [] } });
  if (typeof tokens === 'string') return tokens;
  if (data !== undefined && typeof data !== 'string') return '80100003';
  const settings = isFields(android) ? android : {};
  const { collapse_key: key = -1, ttl = '86400s', urgency = 'NORMAL', notification: shown } = settings;
  if (!Number.isInteger(key) || Number(key) < -1 || Number(key) > 100) return '80100013';
  if (typeof ttl !== 'string' || !isTtl(/^(\d+)s$/.exec(ttl)?.[1])) return '80100004';
  if (urgency !== 'HIGH' && urgency !== 'NORMAL') return '80100001';
  if (notification !== undefined && !(isTitled(notification) && isFields(shown) && isFields(shown['click_action']))) {
    return '80100003';
  }
  if (isFields(shown) && !isStyled(shown)) return '80100003';
  if (isFields(shown) && !isPicture(shown['image'])) return '80100022';
  if (notification === undefined && data === undefined) return '80100003';
  const tag = isFields(shown) && typeof shown['tag'] === 'string' ? shown['tag'] : '';
  return { tokens, messageId: idIn(data) ?? tag, collapseId: tag, body };
}

function readHarmony(request: ReceivedRequest, body: Fields): HmsMessage | string {
  const { payload, target, pushOptions } = body;
  if (!PUSH_TYPE.test(String(request.headers['push-type']))) return '80100001';
  if (!isFields(payload) || !isFields(target)) return '80100003';
  const tokens = readTokens(target['token'], { ...body, target: { ...target, token: [] } });
  if (typeof tokens === 'string') return tokens;
  if (isFields(pushOptions) && !isTtl(pushOptions['ttl'] ?? 86_400)) return '80100004';
  const { notification, extraData } = payload;
  if (request.headers['push-type'] !== '0') return { tokens, messageId: idIn(extraData) ?? '', collapseId: '', body };
  if (!isTitled(notification) || typeof notification['category'] !== 'string') return '80100003';
  if (!isStyled(notification)) return '80100003';
  if (!isPicture(notification['image'])) return '80100022';
  const action = notification['clickAction'];
  if (!isFields(action)) return '80100003';
  const id = isFields(action['data']) ? idIn(action['data']['data']) : undefined;
  return { tokens, messageId: id ?? '', collapseId: String(notification['notifyId'] ?? ''), body };
}

/** Checks the number of tokens, and the size of all that is not a token. */
function readTokens(value: unknown, rest: Fields): string[] | string {
  if (!Array.isArray(value) || value.length === 0) return '80100001';
  if (!value.every((token) => typeof token === 'string')) return '80100001';
  if (value.length > MAX_TOKENS) return '80300010';
  return Buffer.byteLength(JSON.stringify(rest)) > MAX_BYTES ? '80300008' : value;
}

function isTtl(value: unknown): boolean {
  const seconds = Number(value);
  return Number.isInteger(seconds) && seconds >= 1 && seconds <= LONGEST_TTL_S;
}

function isTitled(value: unknown): value is Fields {
  return isFields(value) && ['title', 'body'].every((name) => typeof value[name] === 'string' && value[name] !== '');
}

/** A long text needs both of its parts, lines need lines. */
function isStyled({ style, big_title, big_body, inbox_content, inboxContent }: Fields): boolean {
  if (style === 1) return Boolean(big_title) && Boolean(big_body);
  const lines = inbox_content ?? inboxContent;
  return style !== 3 || (Array.isArray(lines) && lines.length > 0);
}

function isPicture(url: unknown): boolean {
  return url === undefined || (typeof url === 'string' && url.startsWith('https://'));
}

/** The sender's own id, which is part of the data. */
function idIn(data: unknown): string | undefined {
  const fields = typeof data === 'string' ? parse(Buffer.from(data)) : null;
  return typeof fields?.['nid'] === 'string' ? fields['nid'] : undefined;
}

function parse(text: Buffer): Fields | null {
  try {
    const value: unknown = JSON.parse(text.toString('utf8'));
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}
