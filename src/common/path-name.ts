import { IsNotIn } from 'class-validator';
import type { Reading } from './fields.js';

/**
 * URL libraries and reverse proxies resolve dot segments (RFC 3986 §5.2.4): `DELETE …/tags/..` would delete the
 * application.
 */
const DOT_SEGMENTS = ['.', '..'];
const REASON = 'it must not be a dot segment of a path';

/**
 * A name that becomes part of a path. Dot segments that older versions stored can be read and removed if no proxy
 * rewrites the path.
 */
export const IsPathName = (): PropertyDecorator => {
  const context: Reading = { schema: { pattern: String.raw`^(?!\.{1,2}$)` } };
  return IsNotIn(DOT_SEGMENTS, { message: REASON, context });
};

/** Like IsPathName, for a value: the reason of a refusal, or null. */
export function wrongPathName(name: string): string | null {
  return DOT_SEGMENTS.includes(name) ? REASON : null;
}
