import { X509Certificate, createPrivateKey } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { withIterations, write, writeOpen } from '../../../test/harness/ber.js';
import { P12_PASSWORD, makeP12 } from '../../../test/harness/p12.js';
import { SEQUENCE, readValue } from './der.js';
import { MAX_ITERATIONS, openPkcs12, refuseUnread } from './pkcs12.js';
import type { OpenedFile } from './pkcs12.js';

const SUBJECT = '/UID=com.example.app/CN=Apple Push Services';
const TRIPLE_DES = ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'];
let made: ReturnType<typeof makeP12>;
beforeAll(() => {
  made = makeP12(SUBJECT);
});

function opened(file: Buffer, password = P12_PASSWORD): OpenedFile {
  const result = openPkcs12(file, password);
  if (typeof result === 'string') throw new Error(result);
  return result;
}

describe('openPkcs12', () => {
  it.each<[string, string[]]>([
    ['as OpenSSL 3 writes it', []],
    ['under triple DES and SHA-1, like OpenSSL 1 and Keychain', TRIPLE_DES],
    ['under AES-128 with SHA-512', ['-certpbe', 'AES-128-CBC', '-keypbe', 'AES-128-CBC', '-macalg', 'sha512']],
    ['with key and certificate unencrypted', ['-certpbe', 'NONE', '-keypbe', 'NONE']],
    ['with 100,000 iterations of each', ['-maciter', '-iter', '100000']],
    ['with one iteration of the MAC', ['-nomaciter']],
  ])('reads key and certificate of a file %s', (_name, options) => {
    const { p12, certificate } = makeP12(SUBJECT, ...options);
    const { key, certificate: own, chain } = opened(p12);
    expect(own).toBe(certificate);
    expect(new X509Certificate(own).checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(chain).toEqual([]);
  });

  it.each(['', 'pässwörd ключ 🔑', 'a b'])('opens a file with the password %j and any key derivation', (password) => {
    for (const options of [[], TRIPLE_DES]) {
      const { p12 } = makeP12(SUBJECT, ...options, '-passout', `pass:${password}`);
      expect(opened(p12, password).key).toMatch(/^-----BEGIN PRIVATE KEY/);
      expect(openPkcs12(p12, `${password}x`)).toBe('password');
    }
  });

  it('reads indefinite lengths and octet strings in pieces, as other programs write them', () => {
    // The MAC covers the content of the octets, not their encoding.
    const file = writeOpen(readValue(made.p12));
    expect(file.equals(made.p12)).toBe(false);
    expect(opened(file).certificate).toBe(made.certificate);
  });

  it.each<[string, string[], string]>([
    ['without a key', ['-nokeys'], 'noKey'],
    ['under a retired cipher', ['-legacy'], 'unsupported'],
    ['without a MAC', ['-nomac'], 'notPkcs12'],
  ])('refuses a file %s', (_name, options, refusal) => {
    expect(openPkcs12(makeP12(SUBJECT, ...options).p12, P12_PASSWORD)).toBe(refusal);
  });

  it('refuses every truncated file and never throws for a changed byte', () => {
    for (let length = 0; length < made.p12.length; length += 13)
      expect(openPkcs12(made.p12.subarray(0, length), P12_PASSWORD)).toBe('notPkcs12');
    for (let at = 0; at < 60; at++) {
      const changed = Buffer.from(made.p12);
      changed[at]! ^= 0x41;
      expect(() => openPkcs12(changed, P12_PASSWORD)).not.toThrow();
    }
  });
});

describe('refuseUnread', () => {
  it.each([30_000_000, 17_000_000, 0xffff_ffff, MAX_ITERATIONS + 1, MAX_ITERATIONS / 2 + 1])(
    'refuses %i iterations of the safes before running them',
    (iterations) => expect(refuseUnread(withIterations(made.p12, iterations, 'safes'))).toBe('iterations'),
  );

  it.each([30_000_000, 17_000_000, MAX_ITERATIONS + 1])('refuses %i iterations of the MAC', (iterations) => {
    expect(refuseUnread(withIterations(made.p12, iterations, 'mac'))).toBe('iterations');
  });

  it('accepts the iteration counts of common programs', () => {
    expect(refuseUnread(made.p12)).toBeUndefined();
    expect(refuseUnread(withIterations(made.p12, 300_000, 'safes'))).toBeUndefined();
    expect(refuseUnread(withIterations(made.p12, 600_000, 'mac'))).toBeUndefined();
  });

  it('refuses a file that is nested too deep, too long or has too many values', () => {
    let nested = write(SEQUENCE, Buffer.alloc(0));
    for (let depth = 0; depth < 1_000; depth++) nested = write(SEQUENCE, nested);
    let octets = write(SEQUENCE, Buffer.alloc(0));
    for (let depth = 0; depth < 5_000; depth++) octets = write(SEQUENCE, write(4, octets));
    const many = write(SEQUENCE, Buffer.alloc(20_000, Buffer.from([5, 0])));
    const long = Buffer.from([SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff]);
    for (const file of [nested, octets, many, long, Buffer.alloc(70_000), Buffer.alloc(0)])
      expect(refuseUnread(file)).toBe('notPkcs12');
  });
});
