import { createDecipheriv, createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { SEQUENCE, readInteger, readOid } from './der.js';
import type { Value } from './der.js';

/** PKCS#12 cryptography that Node does not have: its key derivation, its MAC, and encrypted safes. */

/** A cipher or digest that this program does not have. */
export class Unsupported extends Error {}

/** A password in the two encodings of the standards: UTF-16 with a terminator (RFC 7292 App. B.1), and UTF-8. */
export interface Password {
  wide: Buffer;
  text: string;
}

const MAC_KEY = 3;
const CIPHER_KEY = 1;
const CIPHER_IV = 2;
const DIGESTS: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const PRFS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};
const CIPHERS: Readonly<Record<string, { name: string; keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24 },
};
const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const SHA1_3DES = '1.2.840.113549.1.12.1.3';

/** Programs write an empty password in two ways: the terminator alone, or no bytes. */
export function formsOf(text: string): Password[] {
  const wide = Buffer.from(`${text}\0`, 'utf16le').swap16();
  return text === ''
    ? [
        { wide, text },
        { wide: Buffer.alloc(0), text },
      ]
    : [{ wide, text }];
}

/** RFC 7292 App. B.2. `purpose`: 1 a key, 2 an IV, 3 a MAC key. */
export function deriveBytes(
  hash: string,
  password: Buffer,
  { salt, iterations }: { salt: Buffer; iterations: number },
  purpose: number,
  length: number,
): Buffer {
  const size = hash === 'sha384' || hash === 'sha512' ? 128 : 64;
  const stretch = (bytes: Buffer): Buffer =>
    bytes.length === 0 ? bytes : Buffer.alloc(Math.ceil(bytes.length / size) * size, bytes);
  const diversifier = Buffer.alloc(size, purpose);
  const input = Buffer.concat([stretch(salt), stretch(password)]);
  let derived = Buffer.alloc(0);
  for (;;) {
    let digest = createHash(hash).update(diversifier).update(input).digest();
    for (let round = 1; round < iterations; round++) digest = createHash(hash).update(digest).digest();
    derived = Buffer.concat([derived, digest]);
    if (derived.length >= length) return derived.subarray(0, length);
    const addend = Buffer.alloc(size, digest);
    for (let start = 0; start < input.length; start += size) {
      let carry = 1;
      for (let index = size - 1; index >= 0; index--) {
        carry += input[start + index]! + addend[index]!;
        input[start + index] = carry & 0xff;
        carry >>= 8;
      }
    }
  }
}

/** True if the MAC of the authenticated safe matches the password (RFC 7292 App. A). */
export function matchesMac({ parts: [digest, salt, count] }: Value, safe: Buffer, password: Password): boolean {
  const [algorithm, expected] = digest?.parts ?? [];
  const hash = DIGESTS[algorithm?.parts[0] ? readOid(algorithm.parts[0]) : ''];
  if (hash === undefined || !expected || !salt) throw new Unsupported('the digest of the MAC');
  const terms = { salt: salt.content, iterations: count ? readInteger(count) : 1 };
  const length = createHash(hash).digest().length;
  const key = deriveBytes(hash, password.wide, terms, MAC_KEY, length);
  const mac = createHmac(hash, key).update(safe).digest();
  return mac.length === expected.content.length && timingSafeEqual(mac, expected.content);
}

/** Decrypts under PBES2 (RFC 8018 §6.2) or PKCS#12's own triple DES. */
export function decrypt({ parts: [oid, parameters] }: Value, content: Buffer, password: Password): Buffer {
  const name = oid ? readOid(oid) : '';
  const [salt, count] = parameters?.parts ?? [];
  if (name === PBES2 && parameters) return decryptPbes2(parameters, content, password);
  if (name !== SHA1_3DES || !salt || !count) throw new Unsupported('the cipher');
  const terms = { salt: salt.content, iterations: readInteger(count) };
  const key = deriveBytes('sha1', password.wide, terms, CIPHER_KEY, 24);
  const iv = deriveBytes('sha1', password.wide, terms, CIPHER_IV, 8);
  return decipher('des-ede3-cbc', key, iv, content);
}

function decryptPbes2({ parts: [derivation, scheme] }: Value, content: Buffer, { text }: Password): Buffer {
  const [derivationOid, derivationTerms] = derivation?.parts ?? [];
  const [cipherOid, iv] = scheme?.parts ?? [];
  const cipher = CIPHERS[cipherOid ? readOid(cipherOid) : ''];
  const [salt, count, ...rest] = derivationTerms?.parts ?? [];
  const prfOid = rest.find(({ tag }) => tag === SEQUENCE)?.parts[0];
  const prf = prfOid ? PRFS[readOid(prfOid)] : 'sha1';
  const isPbkdf2 = derivationOid !== undefined && readOid(derivationOid) === PBKDF2;
  if (!isPbkdf2 || !cipher || !prf || !salt || !count || !iv) throw new Unsupported('the cipher');
  const key = pbkdf2Sync(text, salt.content, readInteger(count), cipher.keyBytes, prf);
  return decipher(cipher.name, key, iv.content, content);
}

function decipher(name: string, key: Buffer, iv: Buffer, content: Buffer): Buffer {
  const cipher = createDecipheriv(name, key, iv);
  return Buffer.concat([cipher.update(content), cipher.final()]);
}
