import { beforeAll, describe, expect, it } from 'vitest';
import { SecretMemory, hashSecret, matchesHash, newSecret } from './secret.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const MINUTE = 60_000;
let stored: string;
beforeAll(async () => {
  stored = await hashSecret('s3cret:with ü');
});

describe('newSecret', () => {
  it('has 256 bits, needs no encoding, and is different each time', () => {
    expect(newSecret()).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(newSecret()).not.toBe(newSecret());
  });
});

describe('hashSecret', () => {
  it('stores the parameters with salt and hash', () => {
    expect(stored).toMatch(/^scrypt\$14\$8\$[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=$/);
    expect(stored).not.toContain('s3cret');
  });

  it('uses a random salt: hashes of the same secret differ', async () => {
    expect(await hashSecret('s3cret:with ü')).not.toBe(stored);
  });
});

describe('matchesHash', () => {
  it('accepts only the right secret', async () => {
    expect(await matchesHash('s3cret:with ü', stored)).toBe(true);
    expect(await matchesHash('s3cret:with u', stored)).toBe(false);
    expect(await matchesHash('', stored)).toBe(false);
  });

  it('verifies a hash made with other parameters', async () => {
    // The first 32 bytes of scrypt('pleaseletmein', 'SodiumChloride', N=16384, r=8, p=1) of RFC 7914 §12; and a cheaper
    // hash.
    const hash = '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2';
    const known = `scrypt$14$8$${Buffer.from('SodiumChloride').toString('base64')}$${Buffer.from(hash, 'hex').toString('base64')}`;
    expect(await matchesHash('pleaseletmein', known)).toBe(true);
    expect(await matchesHash('pleaseletmein', known.replace('$14$', '$13$'))).toBe(false);
  });

  it.each(['', 'bcrypt$14$8$c2FsdA==$aGFzaA==', 'scrypt$14$8$c2FsdA==', 'scrypt$14$8$c2FsdA==$aGFzaA=='])(
    'matchesHash refuses the stored text %j, which is not a hash of ours',
    async (text) => {
      expect(await matchesHash('', text)).toBe(false);
    },
  );
});

describe('SecretMemory', () => {
  it('remembers a right secret for a minute, and only with its hash', () => {
    const memory = new SecretMemory();
    memory.add(NOW, stored, 'right');
    expect(memory.has(NOW + MINUTE - 1, stored, 'right')).toBe(true);
    expect(memory.has(NOW + MINUTE, stored, 'right')).toBe(false);
    expect(memory.has(NOW, stored, 'wrong')).toBe(false);
    expect(memory.has(NOW, 'another hash', 'right')).toBe(false);
  });

  it('keeps the latest entries up to its limit', () => {
    const memory = new SecretMemory(MINUTE, 3);
    for (const secret of ['0', '1', '2', '0', '3']) memory.add(NOW, stored, secret);
    expect(['0', '1', '2', '3'].map((secret) => memory.has(NOW, stored, secret))).toEqual([true, false, true, true]);
  });
});
