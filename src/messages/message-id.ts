import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LENGTH = 8;
/** The largest multiple of 62 in a byte: above it a byte would favour the first letters. */
const UNBIASED = 248;

/** Eight alphanumerics, as the vendor's own ids (mobilefirst.md §9.5): 2·10^14 of them; a collision is drawn again at insert. */
export function newMessageId(): string {
  let id = '';
  while (id.length < LENGTH)
    for (const byte of randomBytes(LENGTH * 2))
      if (byte < UNBIASED && id.length < LENGTH) id += ALPHABET[byte % ALPHABET.length];
  return id;
}
