import { MATRIX, NOT_OFFERED } from './matrix.js';
import { NOWHERE, refused } from './row.js';
import type { Row } from './row.js';

/** The longest body in bytes, and the longest bulk. */
const LIMIT = 1_048_576;
const BULK_LIMIT = 4 * LIMIT;

/** Messages are read with any type except NDJSON, which is for imports. */
const LINES = 'application/x-ndjson';
const OTHER_TYPES = ['text/plain', 'application/xml', 'application/x-www-form-urlencoded'];

/** Bodies that no route accepts, whatever its fields are. */
export const HOSTILE: readonly (readonly [what: string, body: string])[] = [
  ['an empty body', ''],
  ['broken JSON', '{"message":'],
  ['a trailing comma', '{"message":{},}'],
  ['null', 'null'],
  ['a number', '7'],
  ['a text', '"text"'],
  ['a NUL', '{"a":"\\u0000"}'],
  ['a NUL in a key', '{"a\\u0000":1}'],
  ['half a surrogate pair', '{"a":"\\ud800"}'],
  ['a key of half a surrogate pair', '{"\\udfff":1}'],
  ['__proto__', '{"__proto__":{"enabled":true}}'],
  ['constructor', '{"constructor":{"prototype":{}}}'],
  ['deeply nested JSON', `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
];

/**
 * Rules for every call (§9.1), tested with its first row: an unknown application, a wrong content type, an Accept
 * header that excludes the answer, and invalid bodies.
 */
export function varyRows(rows: readonly Row[]): Row[] {
  return Object.entries(MATRIX).flatMap(([endpoint, [, ...statuses]]) => {
    const base = rows.find((row) => row[0] === endpoint);
    return base ? varyRow(base, statuses) : [];
  });
}

function varyRow([endpoint, ownScope, , request]: Row, statuses: readonly number[]): Row[] {
  const varied: Row[] = [];
  // A body without an application requires the scope for all of them.
  const scope = endpoint === 'POST /apps/' ? `${ownScope} push.application.*` : ownScope;
  const { headers } = request;
  if (endpoint.includes('…')) {
    const path = { ...request.path, applicationId: NOWHERE };
    varied.push([endpoint, scope, 'an unknown application', { ...request, path }, 404, refused('FPWSE0001E')]);
  }
  if (statuses.includes(405))
    for (const type of endpoint.includes('/messages') ? [LINES] : [LINES, ...OTHER_TYPES]) {
      const typed = { ...request, headers: { ...headers, 'content-type': type }, body: '{}' };
      varied.push([endpoint, scope, `as ${type}`, typed, 405, refused('CARIL0405E', /application\/json/)]);
    }
  if (statuses.includes(406)) {
    const picky = { ...request, headers: { ...headers, accept: 'text/html' } };
    varied.push([endpoint, scope, 'HTML is asked for', picky, 406, refused('CARIL0406E')]);
  }
  if (statuses.includes(413)) {
    const announced = 1 + (endpoint.endsWith('/bulk') ? BULK_LIMIT : LIMIT);
    varied.push([endpoint, scope, 'a body over the limit', { ...request, announced }, 413, refused('CARIL0413E')]);
    for (const [what, text] of HOSTILE)
      varied.push([endpoint, scope, what, { ...request, body: text }, 400, refused('FPWSE0004E')]);
  }
  return varied;
}

export const CLOUD_ONLY: readonly Row[] = NOT_OFFERED.map((endpoint) => [
  endpoint,
  '',
  'of the cloud service only',
  endpoint.startsWith('PUT') ? { body: {} } : {},
  404,
  refused('FPWSE0001E', /this path does not exist/),
]);
