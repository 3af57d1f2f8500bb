import type { ApnsSettings } from '../shared/settings.js';
import { isExpired, isFromTheFuture, type ProviderToken, type ProviderTokens } from './provider-token.js';

/** The provider tokens that a connection has seen. */
export interface ConnectionAuthority {
  /** The token in use; its team and scope bind the connection. */
  current: ProviderToken | null;
  /** The reason that every later request gets, once the connection is beyond repair. */
  stuck: 'ExpiredProviderToken' | 'TooManyProviderTokenUpdates' | null;
  badTokens: number;
}

export interface AuthorityRefusal {
  status: 403 | 429;
  reason: string;
  detail: string;
}

/** Decides whether the request may send at all, in APNs' order; null when it may. */
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
  // The common case: the same token as last time, which then only needs its age looked at.
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
 * Renewal is judged by the tokens' own iat, not by arrival: a connection that opens with a token of 50 minutes and
 * renews it a minute later does as Apple asks.
 */
function isTooSoon(current: ProviderToken, next: ProviderToken, intervalSeconds: number): boolean {
  return current.key.keyId === next.key.keyId && Math.abs(next.issuedAt - current.issuedAt) < intervalSeconds;
}

function refusal(reason: string, detail: string): AuthorityRefusal {
  return { status: reason === 'TooManyProviderTokenUpdates' ? 429 : 403, reason, detail };
}
