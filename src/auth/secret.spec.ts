import { beforeAll, describe, expect, it } from 'vitest';
import { SecretVerifier, hashSecret } from './secret.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const MINUTE = 60_000;
let stored: string;
/** For tests that need none of their own: making one costs a hash. */
const shared = new SecretVerifier();
beforeAll(async () => {
  stored = await hashSecret('s3cret:with ü');
});

/** Runs and tells the CPU of other threads it took, in ms: scrypt runs there, a remembered pair does not. */
async function cost(act: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe('hashSecret', () => {
  it('keeps the parameters beside salt and hash', () => {
    expect(stored).toMatch(/^scrypt\$14\$8\$[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=$/);
    expect(stored).not.toContain('s3cret');
  });

  it('salts: the same secret never hashes alike', async () => {
    expect(await hashSecret('s3cret:with ü')).not.toBe(stored);
  });
});

describe('SecretVerifier', () => {
  it('knows the secret from any other', async () => {
    const verifier = shared;
    expect(await verifier.matches('s3cret:with ü', stored, NOW)).toBe(true);
    expect(await verifier.matches('s3cret:with u', stored, NOW)).toBe(false);
    expect(await verifier.matches('', stored, NOW)).toBe(false);
  });

  it('verifies a hash made with other parameters', async () => {
    // scrypt('pleaseletmein', 'SodiumChloride', N=16384, r=8, p=1) of RFC 7914 §12, its first 32 bytes; and a cheaper one.
    const hash = '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2';
    const known = `scrypt$14$8$${Buffer.from('SodiumChloride').toString('base64')}$${Buffer.from(hash, 'hex').toString('base64')}`;
    const verifier = new SecretVerifier();
    expect(await verifier.matches('pleaseletmein', known, NOW)).toBe(true);
    expect(await verifier.matches('pleaseletmein', known.replace('$14$', '$13$'), NOW)).toBe(false);
  });

  it.each(['', 'bcrypt$14$8$c2FsdA==$aGFzaA==', 'scrypt$14$8$c2FsdA==', 'scrypt$14$8$c2FsdA==$aGFzaA=='])(
    'a stored text that is no hash of ours (%j) matches nothing',
    async (text) => {
      expect(await shared.matches('', text, NOW)).toBe(false);
    },
  );

  it('a good pair is remembered for a minute; then it pays again', async () => {
    const verifier = new SecretVerifier();
    await verifier.matches('s3cret:with ü', stored, NOW);
    const remembered = await cost(() => verifier.matches('s3cret:with ü', stored, NOW + MINUTE - 1));
    const forgotten = await cost(() => verifier.matches('s3cret:with ü', stored, NOW + MINUTE));
    expect(remembered).toBeLessThan(forgotten / 3);
  });

  it('a wrong secret is not remembered as good, and a changed hash forgets the old secret at once', async () => {
    const verifier = new SecretVerifier();
    const other = await hashSecret('another');
    expect(await verifier.matches('s3cret:with ü', stored, NOW)).toBe(true);
    expect(await verifier.matches('s3cret:with ü', other, NOW)).toBe(false);
    expect(await verifier.matches('s3cret:with ü', other, NOW)).toBe(false);
    expect(await verifier.matches('another', other, NOW)).toBe(true);
  });

  it('an unknown client costs what a known one does, again and again', async () => {
    const verifier = new SecretVerifier();
    // The first call also makes the hash that nobody has.
    expect(await verifier.matches('x', undefined, NOW)).toBe(false);
    const known = await cost(() => verifier.matches('wrong', stored, NOW));
    const unknown = await cost(() => verifier.matches('x', undefined, NOW));
    expect(unknown).toBeGreaterThan(known / 3);
    expect(unknown).toBeLessThan(known * 3);
  });
});
