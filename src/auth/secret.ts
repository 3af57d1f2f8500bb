import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { MINUTE_MS } from '../common/durations.js';

/**
 * scrypt with N=2^14, r=8, p=1: 16 MB and about 40 ms, the interactive cost of its paper. The hash contains the
 * parameters, so that they can be changed later.
 */
const COST = 14;
const BLOCK = 8;
const LENGTH = 32;
/** A client that authenticates again within this time, from any address, needs no scrypt. */
const REMEMBER_MS = MINUTE_MS;
const REMEMBER_MAX = 10_000;

/** 256 bits, in characters that need no encoding. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** `scrypt$<log2 N>$<r>$<salt>$<hash>`, salt and hash in base64. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(secret, salt, COST, BLOCK);
  return `scrypt$${COST}$${BLOCK}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** Runs off the event loop; the comparison takes constant time. */
export async function matchesHash(secret: string, stored: string): Promise<boolean> {
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

/** Remembers results about secrets for a time, as HMACs under a key of this process. Times are of `Clock.elapsed`. */
export class SecretMemory {
  private readonly key = randomBytes(32);
  /** The oldest first. */
  private readonly until = new Map<string, number>();

  constructor(
    private readonly keepMs = REMEMBER_MS,
    private readonly most = REMEMBER_MAX,
  ) {}

  /** With the stored hash among the parts, a changed secret invalidates the entry at once. */
  has(now: number, ...parts: readonly string[]): boolean {
    return (this.until.get(this.fingerprint(...parts)) ?? 0) > now;
  }

  add(now: number, ...parts: readonly string[]): void {
    const name = this.fingerprint(...parts);
    this.until.delete(name);
    const [oldest] = this.until.size >= this.most ? this.until.keys() : [];
    if (oldest !== undefined) this.until.delete(oldest);
    this.until.set(name, now + this.keepMs);
  }

  /** Identifies the parts without storing them. */
  fingerprint(...parts: readonly string[]): string {
    return createHmac('sha256', this.key).update(parts.join('\0')).digest('base64');
  }
}

/** The hash of the given secret, or of a new one, which `made` then has. */
export async function newHash(given: string | null | undefined): Promise<{ made: { secret?: string }; hash: string }> {
  if (given) return { made: {}, hash: await hashSecret(given) };
  const secret = newSecret();
  return { made: { secret }, hash: await hashSecret(secret) };
}
