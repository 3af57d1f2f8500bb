import type { Identified } from '../provider.js';

/** The identity of a token that only its provider can read (FCM, HMS) is the token itself. */
export function identifyOpaque(token: string): Identified {
  // Tokens of both services consist of letters, digits and `-_:.` (base64 adds `+/=`). Other characters come from a
  // wrong copy.
  if (!/^[!-~]+$/.test(token)) return { refusal: 'it must be printable ASCII characters without white space' };
  if (/["'\\<>(){}[\]]/.test(token)) return { refusal: 'it must not have quotes, brackets or a backslash in it' };
  return { identity: token };
}
