import { randomInt } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LENGTH = 8;

/**
 * Eight alphanumerics like the vendor's ids (docs/protocol/mobilefirst.md §9.5): 2·10^14; a collision is drawn again at
 * insert.
 * Drawn one by one: node:crypto keeps a store of random bytes for that, and a draw from the system costs 5 µs.
 */
export function newMessageId(): string {
  let id = '';
  for (let length = 0; length < LENGTH; length++) id += ALPHABET[randomInt(ALPHABET.length)];
  return id;
}
