import { Injectable } from '@nestjs/common';
import { SignJWT, decodeProtectedHeader, jwtVerify } from 'jose';
import { randomUUID } from 'node:crypto';
import { Clock } from '../common/clock.js';
import { ALGORITHM, SigningKeys, TOKEN_LIFETIME_S } from './signing-keys.js';

const ISSUER = 'carillon';
/** Longer than any we issue: a scope has 2,048 characters at most, an id 255. */
const MAX_LENGTH = 4_096;
/** Verified tokens remembered, so that a hot one costs a look-up instead of a signature check (about 100 µs). */
const REMEMBER_MAX = 20_000;

/** What a token says of itself, signature and expiry checked; whether its client still stands is not in it. */
export interface AccessToken {
  jti: string;
  clientId: string;
  /** Of the client, when it was issued. */
  generation: number;
  scope: readonly string[];
  /** Epoch milliseconds. */
  expiresAt: number;
}

/** Issues and reads access tokens: signed JWTs. */
@Injectable()
export class AccessTokens {
  private readonly verified = new Map<string, AccessToken>();

  constructor(
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
  ) {}

  async issue(client: { id: string; generation: number }, scope: string): Promise<string> {
    const key = this.keys.current();
    const now = Math.floor(this.clock.now() / 1_000);
    return new SignJWT({ scope, gen: client.generation })
      .setProtectedHeader({ alg: ALGORITHM, kid: key.kid })
      .setIssuer(ISSUER)
      .setSubject(client.id)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + TOKEN_LIFETIME_S)
      .sign(key.sign);
  }

  /** What the token says, or null when it is none of ours, tampered with, or expired. */
  async read(token: string): Promise<AccessToken | null> {
    const known = this.verified.get(token);
    if (known) {
      if (known.expiresAt > this.clock.now()) return known;
      this.verified.delete(token);
      return null;
    }
    const read = token.length > MAX_LENGTH ? null : await this.verify(token);
    if (!read) return null;
    if (this.verified.size >= REMEMBER_MAX) this.verified.clear();
    this.verified.set(token, read);
    return read;
  }

  private async verify(token: string): Promise<AccessToken | null> {
    const kid = keyIdOf(token);
    const key = kid === undefined ? undefined : await this.keys.find(kid);
    if (!key) return null;
    try {
      const { payload } = await jwtVerify(token, key.verify, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        requiredClaims: ['sub', 'exp', 'scope', 'jti', 'gen'],
        currentDate: new Date(this.clock.now()),
      });
      if (typeof payload.scope !== 'string' || typeof payload.gen !== 'number') return null;
      return {
        jti: payload.jti ?? '',
        clientId: payload.sub ?? '',
        generation: payload.gen,
        scope: payload.scope.split(' '),
        expiresAt: (payload.exp ?? 0) * 1_000,
      };
    } catch {
      return null;
    }
  }
}

function keyIdOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}
