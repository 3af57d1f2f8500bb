import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** scrypt with N=2^14, r=8, p=1: 16 MB and about 40 ms, the interactive cost of its paper; kept in the hash for later changes. */
const COST = 14;
const BLOCK = 8;
const LENGTH = 32;
/** A client that asks again within this time does not pay scrypt again. */
const REMEMBER_MS = 60_000;
const REMEMBER_MAX = 10_000;

/** `scrypt$<log2 N>$<r>$<salt>$<hash>`, salt and hash in base64. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(secret, salt, COST, BLOCK);
  return `scrypt$${COST}$${BLOCK}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

async function verify(secret: string, stored: string): Promise<boolean> {
  const [scheme, cost, block, salt, hash] = stored.split('$');
  if (scheme !== 'scrypt' || !cost || !block || !salt || !hash) return false;
  const expected = Buffer.from(hash, 'base64');
  const actual = await derive(secret, Buffer.from(salt, 'base64'), Number(cost), Number(block));
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}

function derive(secret: string, salt: Buffer, cost: number, block: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, LENGTH, { N: 2 ** cost, r: block, maxmem: 64 * 2 ** 20 }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

/** Compares secrets in constant time, and remembers good pairs for a minute under a key of this process. */
export class SecretVerifier {
  private readonly key = randomBytes(32);
  private readonly good = new Map<string, number>();
  /** Unknown ids are compared with this, so that they cost as much as known ones. */
  private readonly nobody = hashSecret(randomBytes(16).toString('hex'));

  async matches(secret: string, stored: string | undefined, now: number): Promise<boolean> {
    // The stored hash is part of the key: a changed secret forgets the old one at once.
    const pair = createHmac('sha256', this.key)
      .update(`${stored ?? ''}\0${secret}`)
      .digest('base64');
    if ((this.good.get(pair) ?? 0) > now) return true;
    const ok = await verify(secret, stored ?? (await this.nobody));
    if (!ok || stored === undefined) return false;
    if (this.good.size >= REMEMBER_MAX) this.good.clear();
    this.good.set(pair, now + REMEMBER_MS);
    return true;
  }
}
