import { createPublicKey, type KeyObject } from 'node:crypto';
import { readJws, verifyJws } from '../shared/jws.js';

/** APNs takes a token for an hour from its `iat`. */
const MAX_AGE_SECONDS = 3600;
/** A clock this much ahead is forgiven. */
const MAX_AHEAD_SECONDS = 60;
/** Verified tokens kept by their exact text; a sender needs one an hour, so only a broken one fills this. */
const MAX_CACHED = 1000;

/** A .p8 key as Apple knows it. */
export interface ApnsKey {
  keyId: string;
  teamId: string;
  /** SPKI PEM. */
  publicKey: string;
  /** Bundle ids of the team. */
  bundleIds: string[];
  /** Keys made since 2025 may serve one environment only. */
  environment?: 'production' | 'sandbox' | 'all';
  /** A topic-scoped key may not share a connection with a team-scoped one. */
  scope?: 'team' | 'topic';
}

export interface ProviderToken {
  jwt: string;
  key: ApnsKey;
  issuedAt: number;
}

/** Verifies provider tokens against registered keys; each distinct token costs one signature check. */
export class ProviderTokens {
  private readonly keys = new Map<string, { key: ApnsKey; publicKey: KeyObject }>();
  private readonly verified = new Map<string, ProviderToken | null>();
  private readonly seenByTeam = new Map<string, number>();

  register(key: ApnsKey): void {
    this.keys.set(key.keyId, { key, publicKey: createPublicKey(key.publicKey) });
    this.verified.clear();
  }

  /** Null when signature, key, team or form is wrong; the age is the caller's to judge, since it changes. */
  verify(jwt: string): ProviderToken | null {
    const known = this.verified.get(jwt);
    if (known !== undefined) return known;
    const token = this.check(jwt);
    if (this.verified.size >= MAX_CACHED) this.verified.clear();
    this.verified.set(jwt, token);
    if (token) this.seenByTeam.set(token.key.teamId, (this.seenByTeam.get(token.key.teamId) ?? 0) + 1);
    return token;
  }

  private check(jwt: string): ProviderToken | null {
    const jws = readJws(jwt);
    const kid = jws?.header['kid'];
    const issuedAt = jws?.claims['iat'];
    const entry = typeof kid === 'string' ? this.keys.get(kid) : undefined;
    if (!jws || !entry || typeof issuedAt !== 'number') return null;
    if (jws.claims['iss'] !== entry.key.teamId || !verifyJws(jws, 'ES256', entry.publicKey)) return null;
    return { jwt, key: entry.key, issuedAt };
  }

  /** Forgets what was seen, not the keys. */
  reset(): void {
    this.verified.clear();
    this.seenByTeam.clear();
  }

  /** Distinct valid tokens that each team has used: more than one in 20 minutes is a sender minting too many. */
  distinctByTeam(): Record<string, number> {
    return Object.fromEntries(this.seenByTeam);
  }
}

export function isExpired(token: ProviderToken, nowMs: number): boolean {
  return nowMs / 1000 - token.issuedAt > MAX_AGE_SECONDS;
}

export function isFromTheFuture(token: ProviderToken, nowMs: number): boolean {
  return token.issuedAt - nowMs / 1000 > MAX_AHEAD_SECONDS;
}
