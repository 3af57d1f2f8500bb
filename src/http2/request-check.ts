import type { Header, PushRequest } from './push.js';

const PATH = /^\/[\x21-\x7e]*$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** One octet per character; no control character except tab, so that a value cannot end its field. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers that the client sets, and headers that HTTP/2 forbids (RFC 9113 §8.2.2). */
const RESERVED = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Requests are small by design: a large one would block its connection. */
const MAX_HEADER_CHARACTERS = 65_536;

/** Constant arrays that passed the check; they are compared by identity everywhere. */
const checkedConstants = new WeakSet<readonly Header[]>();
let lastConstant: readonly Header[] | undefined;

/** Throws TypeError for a request that cannot be encoded, which is the caller's mistake. */
export function checkRequest(request: PushRequest): void {
  if (!PATH.test(request.path)) throw new TypeError('path must start with / and be visible ASCII');
  if (!(request.body instanceof Uint8Array)) throw new TypeError('body must be bytes');
  const { constant, headers } = request;
  if (constant !== lastConstant) {
    if (!checkedConstants.has(constant)) checkHeaders(constant);
    checkedConstants.add(constant);
    lastConstant = constant;
  }
  if (headers !== undefined) checkHeaders(headers);
}

/** Names that passed the check: callers use the same few. */
const checkedNames = new Set<string>();
const MAX_CHECKED_NAMES = 256;

function checkName(name: string): void {
  if (typeof name !== 'string' || !NAME.test(name))
    throw new TypeError(`header name ${JSON.stringify(name)} is not a lower-case token`);
  if (RESERVED.has(name)) throw new TypeError(`header ${name} is reserved`);
  if (checkedNames.size < MAX_CHECKED_NAMES) checkedNames.add(name);
}

function checkHeaders(headers: readonly Header[]): void {
  let characters = 0;
  for (const [name, value] of headers) {
    if (!checkedNames.has(name)) checkName(name);
    if (typeof value !== 'string' || !VALUE.test(value))
      throw new TypeError(`value of header ${name} has characters that a header cannot carry`);
    characters += name.length + value.length;
  }
  if (characters > MAX_HEADER_CHARACTERS) throw new TypeError(`headers of ${characters} characters`);
}
