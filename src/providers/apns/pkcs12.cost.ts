import { NotDer, OCTETS, SEQUENCE, readInteger, readOid, readValue } from './der.js';
import type { Value } from './der.js';

/** The cost of opening a PKCS#12 file, read before any key is derived (RFC 7292, RFC 8018). Pure. */

const PBKDF2 = '1.2.840.113549.1.5.12';
const SCRYPT = '1.3.6.1.4.1.11591.4.11';
/** PBES1 (1.2.840.113549.1.5.1 to 11) and the ciphers of PKCS#12 (1.2.840.113549.1.12.1.1 to 6): salt and count. */
const SALT_AND_COUNT = /^1\.2\.840\.113549\.1\.(5\.([1-9]|1[01])|12\.1\.[1-6])$/;
/** Octet strings within octet strings; a file of OpenSSL has two levels. */
const MAX_NESTING = 8;

/**
 * The sum of the iterations of the MAC and of all unencrypted key derivations; Infinity if a derivation has no
 * iteration count. `countIterations` counts the encrypted parts after they are open.
 */
export function countFile(file: Value): number {
  const mac = file.parts[2];
  return countIterations(file) + (mac ? countMac(mac) : 0);
}

export function countIterations(value: Value, nesting = 0): number {
  if (nesting > MAX_NESTING) return Infinity;
  let sum = ownIterations(value);
  for (const part of value.parts) sum += countIterations(part, nesting);
  for (const part of insideOf(value)) sum += countIterations(part, nesting + 1);
  return sum;
}

/** MacData: digest, salt and a count, which is 1 if omitted (RFC 7292 §4). */
function countMac({ parts: [, , count] }: Value): number {
  return count ? countOf(count) : 1;
}

function ownIterations({ tag, parts: [first, second] }: Value): number {
  if (tag !== SEQUENCE || !first || second?.tag !== SEQUENCE) return 0;
  const oid = readOid(first);
  if (oid === SCRYPT) return Infinity;
  if (oid !== PBKDF2 && !SALT_AND_COUNT.test(oid)) return 0;
  const [, count] = second.parts;
  return count ? countOf(count) : Infinity;
}

function countOf(value: Value): number {
  const count = readInteger(value);
  return Number.isNaN(count) ? Infinity : count;
}

/** An octet string may contain values: the safes do. */
function insideOf({ tag, content }: Value): Value[] {
  if (tag !== OCTETS || content[0] !== SEQUENCE) return [];
  try {
    return [readValue(content)];
  } catch (error) {
    if (error instanceof NotDer) return [];
    throw error;
  }
}
