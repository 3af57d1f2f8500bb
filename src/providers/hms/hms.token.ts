import { wallClock } from '../../common/clock.js';
import { HOUR_S, MINUTE_MS } from '../../common/durations.js';
import type { BearerTokenSource, Grant, TokenRequest } from '../shared/bearer-tokens.js';
import { signJwt } from '../../common/jwt.js';
import { shelfName } from '../token-shelf.js';
import type { HmsCredentials } from './hms.settings.js';

/** For both kinds of credentials. An assertion names this URL as its audience and is never sent there. */
export const TOKEN_AUDIENCE = 'https://oauth-login.cloud.huawei.com/oauth2/v3/token';
/** Huawei accepts a JWT for an hour; 50 minutes leave 10 for clocks that differ. */
const RENEW_AFTER_MS = 50 * MINUTE_MS;
/** Huawei refuses an `iat` ahead of its clock. */
const BACKDATE_S = 10;

type OAuthClient = Extract<HmsCredentials, { kind: 'oauth' }>;
type ServiceAccount = Extract<HmsCredentials, { kind: 'account' }>;

/** Client credentials for a token of one hour (Huawei: "OAuth 2.0-based authentication"). */
export function clientGrant({ clientId, clientSecret }: OAuthClient, url: string): TokenRequest {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  return { name: shelfName('hms', url, clientId, clientSecret), url, form: () => form };
}

/** A PS256 JWT that the service account signs and that is the bearer token (Huawei: "JWT-based authentication"). */
export class ServiceAccountTokens implements BearerTokenSource {
  private jwt = '';
  private mintedAt = -Infinity;

  constructor(
    private readonly account: ServiceAccount,
    private readonly now: () => number = wallClock,
  ) {}

  current(): string {
    const now = this.now();
    if (now - this.mintedAt < RENEW_AFTER_MS) return this.jwt;
    const { keyId, subAccount, key } = this.account;
    const iat = Math.floor(now / 1_000) - BACKDATE_S;
    const claims = { iss: subAccount, aud: TOKEN_AUDIENCE, iat, exp: iat + HOUR_S };
    this.jwt = signJwt({ typ: 'JWT', kid: keyId }, claims, key, 'PS256');
    this.mintedAt = now;
    return this.jwt;
  }

  obtain(): Promise<Grant> {
    return Promise.resolve({ token: this.current() });
  }

  /** The next token is signed anew, unless that has happened already. */
  refuse(token: string): void {
    if (token === this.jwt) this.mintedAt = -Infinity;
  }
}
