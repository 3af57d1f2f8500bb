import { createPublicKey, type KeyObject } from 'node:crypto';
import { readJws, verifyJws } from '../shared/jws.js';

/** APNs accepts a token for an hour from its `iat`. */
const MAX_AGE_SECONDS = 3600;
/** Tolerance for a clock that is ahead. */
const MAX_AHEAD_SECONDS = 60;
/** The number of cached tokens, by their exact text; a correct sender needs one per hour. */
const MAX_CACHED = 1000;

/** A registered .p8 key. */
export interface ApnsKey {
  keyId: string;
  teamId: string;
  /** SPKI PEM. */
  publicKey: string;
  /** Bundle ids of the team. */
  bundleIds: string[];
  /** Keys created since 2025 may be restricted to one environment. */
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

  /** Null if signature, key, team or form is wrong; the caller checks the age, because it changes. */
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

  /** Drops the cache, not the keys. */
  reset(): void {
    this.verified.clear();
    this.seenByTeam.clear();
  }

  /** The number of distinct valid tokens of each team: more than one in 20 minutes is too many. */
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
