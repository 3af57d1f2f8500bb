import { IsNotIn } from 'class-validator';

/** URL libraries and reverse proxies resolve them away (RFC 3986 §5.2.4): `DELETE …/tags/..` would delete the application. */
const DOT_SEGMENTS = ['.', '..'];
const REASON = 'it must not be a dot segment of a path';

/** A name that stands in a path. Those that older programs kept can be read and removed where nothing rewrites the path. */
export const IsPathName = (): PropertyDecorator => IsNotIn(DOT_SEGMENTS, { message: REASON });

/** As IsPathName, for a value alone: what is wrong with it; null when nothing is. */
export function wrongPathName(name: string): string | null {
  return DOT_SEGMENTS.includes(name) ? REASON : null;
}
