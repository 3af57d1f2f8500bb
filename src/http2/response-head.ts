import { ErrorCode, StreamError } from './frames.js';

/** Status and headers of one answer. Equal heads share one object, so it must not be changed. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The value of content-length. */
  readonly length: number | undefined;
}

/** Lower-case token characters (RFC 9110 §5.6.2, RFC 9113 §8.2.1). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** No control character except tab (stricter than RFC 9113 §8.2.1, which names NUL, CR and LF). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** RFC 9113 §8.2.2: headers of one HTTP/1.1 hop. */
const CONNECTION_SPECIFIC = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

/**
 * Checks a decoded list (names and values alternately) by RFC 9113 §8.3.2: `:status` first and once, no other
 * pseudo-header, legal names and values. Throws StreamError PROTOCOL_ERROR for a malformed answer.
 */
export function readHead(list: readonly string[]): ResponseHead {
  const text = list[1] ?? '';
  if (list[0] !== ':status' || !/^[1-9][0-9]{2}$/.test(text)) throw malformed('no valid :status');
  const status = Number(text);
  if (status === 101) throw malformed('status 101');
  const headers = readFields(list, 2);
  const length = headers['content-length'];
  if (length !== undefined && !/^[0-9]{1,15}$/.test(length)) throw malformed('bad content-length');
  return { status, headers, length: length === undefined ? undefined : Number(length) };
}

/** Trailers are checked and dropped: push services send none with a meaning (RFC 9113 §8.1). */
export function checkTrailers(list: readonly string[]): void {
  readFields(list, 0);
}

/**
 * Headers by name, without inherited properties. A constructor, because V8 keeps an object of `Object.create(null)` as
 * a hash table, which costs more to fill.
 */
const Fields = function () {} as unknown as new () => Record<string, string>;
Fields.prototype = Object.create(null);

/** Names that passed the check: services repeat the same few. */
const checkedNames = new Set<string>();
const MAX_CHECKED_NAMES = 256;

function checkName(name: string): void {
  if (checkedNames.has(name)) return;
  if (!NAME.test(name) || CONNECTION_SPECIFIC.has(name)) throw malformed('illegal header name');
  if (checkedNames.size < MAX_CHECKED_NAMES) checkedNames.add(name);
}

function readFields(list: readonly string[], from: number): Record<string, string> {
  const headers = new Fields();
  for (let i = from; i < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!;
    checkName(name);
    if (!VALUE.test(value)) throw malformed(`illegal value of ${name}`);
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

/** RFC 9110 §8.6 and RFC 9113 §8.1.1; answers with 204 and 304 have no body, even with a content-length. */
export function lengthMatches(head: ResponseHead, received: number): boolean {
  return head.length === undefined || head.length === received || head.status === 204 || head.status === 304;
}

function malformed(message: string): StreamError {
  return new StreamError(ErrorCode.PROTOCOL_ERROR, `malformed answer: ${message}`);
}
