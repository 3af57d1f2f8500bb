import { THUMBPRINT } from './access-tokens.js';
import type { LiveToken } from './live-tokens.js';
import { DEFAULT_SCOPE, covers } from './scope.js';

/** Keys, types and order of MobileFirst's answer (docs/protocol/mobilefirst.md §6); a backend has no device or user. */
export interface ActiveToken {
  active: true;
  scope: string;
  client_id: string;
  username: string;
  /** Epoch milliseconds: IBM's module computes its cache time from this value. */
  exp: number;
  /** Absent: the token is not bound to a certificate (RFC 8705 §3.2). */
  cnf?: { 'x5t#S256': string };
  'mfp-application': null;
  'mfp-device': null;
  'mfp-user': null;
  'mfp-checks': Record<string, never>;
}

export function describeToken(token: LiveToken | null): ActiveToken | { active: false } {
  const scope = token ? scopeNow(token.scope, [DEFAULT_SCOPE, ...token.client.allowed]) : [];
  if (!token || scope.length === 0) return { active: false };
  return {
    active: true,
    scope: scope.join(' '),
    client_id: token.clientId,
    username: token.clientId,
    exp: token.expiresAt,
    ...(token.certificate !== undefined && { cnf: { [THUMBPRINT]: token.certificate } }),
    'mfp-application': null,
    'mfp-device': null,
    'mfp-user': null,
    'mfp-checks': {},
  };
}

/**
 * The part of a granted scope that is allowed now: granted elements that are still covered and, for a granted wildcard,
 * the allowed elements within the wildcard.
 */
export function scopeNow(granted: readonly string[], allowed: readonly string[]): string[] {
  const kept = granted.filter((element) => covers(allowed, [element]));
  if (kept.length === granted.length) return [...granted];
  return [...new Set([...kept, ...allowed.filter((element) => covers(granted, [element]))])];
}
