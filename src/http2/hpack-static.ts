/** The static table (RFC 7541 Appendix A); entry n is at position n - 1. */
export const STATIC_TABLE: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** Each field counts this much, besides its octets, in the sizes of table and header list (RFC 7541 §4.1). */
export const ENTRY_OVERHEAD_BYTES = 32;

/** The initial capacity of every peer's table (RFC 9113 §6.5.2). */
export const DEFAULT_TABLE_BYTES = 4096;

/** The dynamic table begins after the static one, at index 62. */
export const STATIC_SIZE = STATIC_TABLE.length;

/** Index of the static entry with this name and value; the key joins both with a NUL. */
export const staticFieldIndex: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.map(([name, value], i): [string, number] => [`${name}\0${value}`, i + 1]),
);

/** Index of the first static entry with this name. */
export const staticNameIndex: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.map(([name], i): [string, number] => [name, i + 1]).reverse(),
);
