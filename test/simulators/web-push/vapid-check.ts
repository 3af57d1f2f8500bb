import { createPublicKey, type KeyObject } from 'node:crypto';
import { readJws, verifyJws, type Jws } from '../shared/jws.js';

const MAX_LIFE_SECONDS = 86_400;
/** The number of cached headers; a sender needs one per hour and origin. */
const MAX_CACHED = 1000;

interface Verified {
  publicKey: string;
  jws: Jws;
}

/** Verifies VAPID authorization (RFC 8292); each distinct header costs one signature check. */
export class VapidCheck {
  private readonly verified = new Map<string, Verified | null>();

  /** Distinct headers seen with a valid signature. */
  get distinct(): number {
    return [...this.verified.values()].filter((each) => each !== null).length;
  }

  reset(): void {
    this.verified.clear();
  }

  /** The signing key, or the fault. */
  check(header: string | undefined, origin: string, now: number): { publicKey: string } | { detail: string } {
    if (header === undefined) return { detail: 'no authorization' };
    const { jws, publicKey } = this.verify(header) ?? {};
    if (jws === undefined || publicKey === undefined) return { detail: 'form or signature is wrong' };
    const { aud, exp, sub } = jws.claims;
    if (aud !== origin) return { detail: `aud is not ${origin}` };
    if (typeof exp !== 'number' || exp <= now / 1000) return { detail: 'exp is missing or past' };
    if (exp > now / 1000 + MAX_LIFE_SECONDS) return { detail: 'exp is more than 24 hours ahead' };
    if (typeof sub !== 'string' || !/^(mailto:[^\s<>]+@[^\s<>]+|https:\/\/\S+)$/.test(sub)) {
      return { detail: 'sub is no mailto: or https: URL' };
    }
    return { publicKey };
  }

  private verify(header: string): Verified | null {
    const known = this.verified.get(header);
    if (known !== undefined) return known;
    const [, jwt = '', publicKey = ''] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/i.exec(header) ?? [];
    const jws = readJws(jwt);
    const key = readKey(publicKey);
    const verified = jws !== null && key !== null && verifyJws(jws, 'ES256', key) ? { publicKey, jws } : null;
    if (this.verified.size >= MAX_CACHED) this.verified.clear();
    this.verified.set(header, verified);
    return verified;
  }
}

function readKey(text: string): KeyObject | null {
  const point = Buffer.from(text, 'base64url');
  if (point.length !== 65 || point[0] !== 4) return null;
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
  try {
    return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } });
  } catch {
    return null;
  }
}
