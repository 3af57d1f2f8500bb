import type { ApnsSettings } from '../shared/settings.js';
import { isExpired, isFromTheFuture, type ProviderToken, type ProviderTokens } from './provider-token.js';

/** The provider tokens that a connection has seen. */
export interface ConnectionAuthority {
  /** The token in use; its team and scope bind the connection. */
  current: ProviderToken | null;
  /** The reason of every later answer, once the connection can no longer be used. */
  stuck: 'ExpiredProviderToken' | 'TooManyProviderTokenUpdates' | null;
  badTokens: number;
}

export interface AuthorityRefusal {
  status: 403 | 429;
  reason: string;
  detail: string;
}

/** Decides whether the request may send at all, in APNs' order; null if so. */
export function checkAuthority(
  authority: ConnectionAuthority,
  authorization: string | undefined,
  tokens: ProviderTokens,
  settings: ApnsSettings,
  now: number,
): AuthorityRefusal | null {
  if (authorization === undefined) return refusal('MissingProviderToken', 'no authorization header');
  if (authority.stuck) return refusal(authority.stuck, 'the connection is stuck since an earlier refusal');
  const { current } = authority;
  // The usual case: the same token as last time, of which only the age is checked.
  const same =
    current !== null && authorization.length === current.jwt.length + 7 && authorization.endsWith(current.jwt);
  const token = same ? current : readToken(authorization, tokens);
  if (!token) return refusal('InvalidProviderToken', 'not a JWT signed with ES256 by a registered key of its team');
  if (isFromTheFuture(token, now)) return refusal('InvalidProviderToken', 'iat lies in the future');
  if (isExpired(token, now)) {
    if (settings.wedgeAfterExpiry) authority.stuck = 'ExpiredProviderToken';
    return refusal('ExpiredProviderToken', 'iat is more than an hour ago');
  }
  if (same) return null;
  if (current) {
    const related = current.key.teamId === token.key.teamId && scopeOf(current) === scopeOf(token);
    if (!related) return refusal('UnrelatedKeyIdInToken', 'the connection belongs to another team or key scope');
  }
  const environment = token.key.environment ?? 'all';
  if (environment !== 'all' && environment !== settings.environment) {
    return refusal(settings.environmentReason, `the key serves ${environment} only`);
  }
  if (current && isTooSoon(current, token, settings.tokenIntervalSeconds)) {
    authority.stuck = 'TooManyProviderTokenUpdates';
    return refusal('TooManyProviderTokenUpdates', 'another token of this key within 20 minutes');
  }
  authority.current = token;
  return null;
}

function readToken(authorization: string, tokens: ProviderTokens): ProviderToken | null {
  const [, jwt] = /^bearer ([\w.-]+)$/i.exec(authorization) ?? [];
  return jwt === undefined ? null : tokens.verify(jwt);
}

function scopeOf(token: ProviderToken): string {
  return token.key.scope ?? 'team';
}

/**
 * A renewal is judged by the tokens' iat, not by their arrival: a connection that begins with a token of 50 minutes and
 * renews it a minute later conforms to Apple's rules.
 */
function isTooSoon(current: ProviderToken, next: ProviderToken, intervalSeconds: number): boolean {
  return current.key.keyId === next.key.keyId && Math.abs(next.issuedAt - current.issuedAt) < intervalSeconds;
}

function refusal(reason: string, detail: string): AuthorityRefusal {
  return { status: reason === 'TooManyProviderTokenUpdates' ? 429 : 403, reason, detail };
}
