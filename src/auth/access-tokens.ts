import { Injectable } from '@nestjs/common';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { randomUUID } from 'node:crypto';
import { Clock } from '../common/clock.js';
import { signJwt } from '../common/jwt.js';
import { ALGORITHM, SigningKeys, TOKEN_LIFETIME_S } from './signing-keys.js';

const ISSUER = 'carillon';
/** The API of this server; resource servers that verify tokens by the key set have to expect the same audience. */
const AUDIENCE = 'carillon';
/** The type of an access token (RFC 9068 §2.1). */
const TYPE = 'at+jwt';
/** RFC 8705 §3.1. */
export const THUMBPRINT = 'x5t#S256';
/**
 * Longer than any issued token: a scope has at most 2,048 characters, an id 255; the id occurs twice and may double in
 * JSON.
 */
const MAX_LENGTH = 6_144;
/**
 * Issued and verified tokens are cached, so that a repeated token costs a look-up instead of a signature check (about
 * 190 µs).
 */
const REMEMBER_MAX = 20_000;

/** The claims of a token with a valid signature that has not expired; the state of its client is not checked. */
export interface AccessToken {
  jti: string;
  clientId: string;
  /** The client's generation at the time of issue. */
  generation: number;
  scope: readonly string[];
  /** `x5t#S256` of the certificate to which the token is bound (RFC 8705). */
  certificate?: string;
  /** Epoch milliseconds. */
  expiresAt: number;
}

/** Issues and reads access tokens (signed JWTs). */
@Injectable()
export class AccessTokens {
  private readonly known = new Map<string, AccessToken>();

  constructor(
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
  ) {}

  /** `certificate`: the token is bound to it; null: to none. */
  issue(client: { id: string; generation: number }, scope: string, certificate: string | null = null): string {
    const now = Math.floor(this.clock.now() / 1_000);
    const jti = randomUUID();
    const exp = now + TOKEN_LIFETIME_S;
    const claims = {
      ...{ iss: ISSUER, sub: client.id, aud: AUDIENCE, client_id: client.id },
      ...{ scope, gen: client.generation, jti, iat: now, exp },
      ...(certificate !== null && { cnf: { [THUMBPRINT]: certificate } }),
    };
    const { kid, sign: key } = this.keys.current();
    const token = signJwt({ typ: TYPE, kid }, claims, key);
    this.remember(token, {
      jti,
      clientId: client.id,
      generation: client.generation,
      scope: scope.split(' '),
      expiresAt: exp * 1_000,
      ...(certificate !== null && { certificate }),
    });
    return token;
  }

  /** The claims of a token; null if it was not issued by this server, was changed, or has expired. */
  async read(token: string): Promise<AccessToken | null> {
    const known = this.known.get(token);
    if (known) {
      if (known.expiresAt > this.clock.now()) return known;
      this.known.delete(token);
      return null;
    }
    const read = token.length > MAX_LENGTH ? null : await this.verify(token);
    if (read) this.remember(token, read);
    return read;
  }

  private remember(token: string, read: AccessToken): void {
    if (this.known.size >= REMEMBER_MAX) this.known.clear();
    this.known.set(token, read);
  }

  private async verify(token: string): Promise<AccessToken | null> {
    const { kid, typ } = headerOf(token);
    const key = kid === undefined ? undefined : await this.keys.find(kid);
    if (!key) return null;
    try {
      const { payload } = await jwtVerify(token, key.verify, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        // Releases before 2026-11-28 issued tokens without type and audience; these stay valid until they expire, an
        // hour after the upgrade.
        ...(typ !== undefined && { typ: TYPE, audience: AUDIENCE }),
        requiredClaims: ['sub', 'exp', 'scope', 'jti', 'gen'],
        currentDate: new Date(this.clock.now()),
      });
      if (typeof payload.scope !== 'string' || typeof payload.gen !== 'number') return null;
      const certificate = (payload.cnf as Record<string, string> | undefined)?.[THUMBPRINT];
      return {
        jti: payload.jti ?? '',
        clientId: payload.sub ?? '',
        generation: payload.gen,
        scope: payload.scope.split(' '),
        expiresAt: (payload.exp ?? 0) * 1_000,
        ...(certificate !== undefined && { certificate }),
      };
    } catch {
      return null;
    }
  }
}

function headerOf(token: string): { kid?: string; typ?: string } {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return {};
  }
}
