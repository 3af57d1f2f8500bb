import type { Identified } from '../provider.js';

/** A token that only its provider can read is its own identity, letter by letter (FCM, HMS). */
export function identifyOpaque(token: string): Identified {
  // Both services make tokens of letters, digits and `-_:.` (base64 adds `+/=`): what has these in it was pasted wrong.
  if (!/^[!-~]+$/.test(token)) return { refusal: 'it must be printable ASCII characters without white space' };
  if (/["'\\<>(){}[\]]/.test(token)) return { refusal: 'it must not have quotes, brackets or a backslash in it' };
  return { identity: token };
}
