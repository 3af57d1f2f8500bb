import { Inject, Injectable } from '@nestjs/common';
import { createLocalJWKSet, createRemoteJWKSet, customFetch, decodeJwt, errors, jwtVerify } from 'jose';
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import { Clock } from '../common/clock.js';
import { MINUTE_MS, SECOND_MS } from '../common/durations.js';
import { outgoingFetch } from '../common/outgoing-fetch.js';
import { guardedLookup, leadsInside } from '../common/public-address.js';
import { CONFIG } from '../common/tokens.js';
import { wayOf } from '../common/tunnel.js';
import type { Config } from '../config.js';
import { AssertionRepository } from './assertion.repository.js';
import type { ClientKeys } from './client-keys.js';
import { ClientSnapshot } from './client-snapshot.js';
import type { KnownClient } from './client-snapshot.js';

/** RFC 7523 §2.2. */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** No algorithm with a shared secret, and none without a signature. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** An assertion is for one request; its `jti` is kept until its end. */
const MAX_LIFE_S = 300;
/** The client's clock may differ by so much. */
const SKEW_S = 30;
const MAX_JTI = 255;
const MAX_LENGTH = 8_192;
/** A key set from an address: time of a request, of its use, and between two requests for an unknown key. */
const FETCH_MS = 5 * SECOND_MS;
const KEEP_MS = 10 * MINUTE_MS;
const COOL_MS = 30 * SECOND_MS;

/** Why an assertion is refused, for the caller. */
export class AssertionRefused extends Error {}

/** Reads the assertions by which clients authenticate with a key (private_key_jwt, RFC 7523). */
@Injectable()
export class ClientAssertions {
  /** By the text or the address of the set, which the client may change. */
  private readonly sets = new Map<string, JWTVerifyGetKey>();
  private readonly fetch: ReturnType<typeof outgoingFetch>;
  private readonly production: boolean;

  constructor(
    private readonly clients: ClientSnapshot,
    private readonly used: AssertionRepository,
    private readonly clock: Clock,
    @Inject(CONFIG)
    private readonly config: Pick<Config, 'environment' | 'publicUrl' | 'runtimeName' | 'providerCa' | 'proxy'>,
  ) {
    this.production = config.environment === 'production';
    const lookup = guardedLookup(!this.production);
    this.fetch = outgoingFetch(wayOf({ ca: config.providerCa, proxy: config.proxy }, lookup), lookup);
  }

  /** The enabled client that signed the assertion, which from now on is used. Throws AssertionRefused. */
  async read(assertion: string): Promise<KnownClient> {
    const client = this.clients.find(subjectOf(assertion));
    if (!client?.enabled || (client.jwks === null && client.jwksUri === null))
      throw new AssertionRefused('The client of the assertion is unknown or has no keys');
    const { jti, exp } = await this.verify(assertion, client);
    if (!(await this.used.use(client.id, jti, new Date((exp + SKEW_S) * 1_000), new Date(this.clock.now()))))
      throw new AssertionRefused('The assertion was used before');
    return client;
  }

  private async verify(assertion: string, client: KnownClient): Promise<{ jti: string; exp: number }> {
    const now = this.clock.now();
    try {
      const { payload } = await jwtVerify(assertion, this.keysOf(client), {
        algorithms: ALGORITHMS,
        issuer: client.id,
        subject: client.id,
        audience: this.audiences(),
        requiredClaims: ['exp', 'jti'],
        clockTolerance: SKEW_S,
        currentDate: new Date(now),
      });
      const { jti, exp = 0 } = payload;
      if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI)
        throw new AssertionRefused(`jti must be a text of at most ${MAX_JTI} characters`);
      if (exp > now / 1_000 + MAX_LIFE_S + SKEW_S)
        throw new AssertionRefused(`exp must be at most ${MAX_LIFE_S} seconds ahead`);
      return { jti, exp };
    } catch (error) {
      throw error instanceof AssertionRefused ? error : new AssertionRefused(describe(error));
    }
  }

  /** The server, and its token endpoint (RFC 7523 §3). Never the host that the request names: its sender chooses it. */
  private audiences(): string[] {
    const { publicUrl, runtimeName } = this.config;
    return [publicUrl, `${publicUrl}/${runtimeName}/api/az/v1/token`];
  }

  private keysOf({ jwks, jwksUri }: ClientKeys): JWTVerifyGetKey {
    const name = jwks ?? jwksUri!;
    const known = this.sets.get(name);
    if (known) return known;
    if (this.sets.size >= 1_000) this.sets.clear();
    const made = jwks === null ? this.remote(name) : createLocalJWKSet(JSON.parse(jwks) as JSONWebKeySet);
    this.sets.set(name, made);
    return made;
  }

  private remote(address: string): JWTVerifyGetKey {
    const url = new URL(address);
    // A name is looked up where the socket connects; an address is not.
    if (this.production && leadsInside(url)) throw new AssertionRefused('jwksUri is not at a public address');
    return createRemoteJWKSet(url, {
      timeoutDuration: FETCH_MS,
      cacheMaxAge: KEEP_MS,
      cooldownDuration: COOL_MS,
      [customFetch]: this.fetch,
    });
  }
}

function subjectOf(assertion: string): string {
  if (assertion.length > MAX_LENGTH)
    throw new AssertionRefused(`The assertion is longer than ${MAX_LENGTH} characters`);
  try {
    return decodeJwt(assertion).sub ?? '';
  } catch {
    throw new AssertionRefused('The assertion is not a JWT');
  }
}

/** In words of the claims; an error of the request for the keys may name our network. */
function describe(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The assertion has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `The claim ${error.claim} of the assertion is wrong`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'The algorithm of the assertion is not accepted';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'The assertion names no key of the client: set kid';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of the assertion is wrong';
  return 'The assertion or the keys of the client cannot be read';
}
