import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { wallClock } from '../../common/clock.js';
import { HOUR_MS, MINUTE_MS } from '../../common/durations.js';
import { signJwt } from '../../common/jwt.js';

/** Services accept at most 24 hours (RFC 8292 §2); half of it leaves room for clocks that differ. */
const LIFE_MS = 12 * HOUR_MS;
const RENEW_AFTER_MS = 11 * HOUR_MS;
/** Apple asks not to renew more often ("Sending web push notifications in web apps and browsers"). */
const SHORTEST_LIFE_MS = HOUR_MS;
/** More than a sender's channels to origins; the oldest is removed. */
const ORIGINS_KEPT = 256;

interface Signed {
  authorization: string;
  mintedAt: number;
}

/**
 * The VAPID authorization of one key pair, with a JWT per origin (RFC 8292). All senders with that key must share the
 * instance, so that settings that are saved again continue with their JWTs.
 */
export class VapidTokens {
  private readonly byOrigin = new Map<string, Signed>();

  constructor(
    private readonly key: KeyObject,
    private readonly publicKey: string,
    private readonly subject: string,
    private readonly now: () => number = wallClock,
  ) {}

  /** The `authorization` header to send to this origin now; the same text while it is valid. */
  current(origin: string): string {
    const signed = this.byOrigin.get(origin);
    if (signed !== undefined && this.isYounger(signed, RENEW_AFTER_MS)) return signed.authorization;
    return this.mint(origin);
  }

  /**
   * The origin refused `authorization`. Returns true if there is another to try. A new one is signed unless the refused
   * one is less than an hour old: then our clock or the key is wrong, and a new one does not help.
   */
  replace(origin: string, authorization: string): boolean {
    const signed = this.byOrigin.get(origin);
    if (signed?.authorization !== authorization) return true;
    if (this.isYounger(signed, SHORTEST_LIFE_MS)) return false;
    this.mint(origin);
    return true;
  }

  /** Whether the public key verifies what the private key signs. */
  isPair(): boolean {
    const bytes = Buffer.from(this.publicKey, 'base64url');
    const [x, y] = [bytes.subarray(1, 33), bytes.subarray(33)].map((part) => part.toString('base64url'));
    const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } });
    const data = Buffer.from('pair');
    return verify('sha256', data, key, sign('sha256', data, this.key));
  }

  /** A JWT from the future was signed before the clock was set back. */
  private isYounger({ mintedAt }: Signed, ms: number): boolean {
    const age = this.now() - mintedAt;
    return age >= -MINUTE_MS && age < ms;
  }

  private mint(origin: string): string {
    const mintedAt = this.now();
    const exp = Math.floor((mintedAt + LIFE_MS) / 1_000);
    const jwt = signJwt({ typ: 'JWT' }, { aud: origin, exp, sub: this.subject }, this.key);
    const signed = { authorization: `vapid t=${jwt}, k=${this.publicKey}`, mintedAt };
    this.byOrigin.delete(origin);
    this.byOrigin.set(origin, signed);
    if (this.byOrigin.size > ORIGINS_KEPT) this.byOrigin.delete(this.byOrigin.keys().next().value!);
    return signed.authorization;
  }
}
