import { expect, it } from 'vitest';
import { write } from '../../../test/harness/ber.js';
import { OCTETS, OID, SEQUENCE, readValue } from './der.js';
import { countIterations } from './pkcs12.cost.js';

/** 1.3.6.1.4.1.11591.4.11 (RFC 7914 §7): scrypt has no iteration count. */
const SCRYPT = Buffer.from('2b06010401da47040b', 'hex');

it('counts a key derivation by scrypt as infinite, also within octets', () => {
  const salt = write(OCTETS, Buffer.alloc(8));
  const derivation = write(SEQUENCE, Buffer.concat([write(OID, SCRYPT), write(SEQUENCE, salt)]));
  expect(countIterations(readValue(derivation))).toBe(Infinity);
  expect(countIterations(readValue(write(OCTETS, derivation)))).toBe(Infinity);
});
