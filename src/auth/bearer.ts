import { ApiError } from '../common/errors.js';
import { DEFAULT_SCOPE } from './scope.js';

/**
 * Bearer headers and their refusals (docs/protocol/mobilefirst.md §7): callers read the missing scope in the header.
 */

/** Throws CARIL0401E. */
export function parseBearer(header: string | undefined): string {
  if (header === undefined) throw unauthorized('Bearer', 'An access token is required.');
  const token = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1];
  if (!token) throw unauthorized('Bearer error="invalid_token"', 'The Authorization header is not a Bearer token.');
  return token;
}

export function deadToken(): ApiError {
  return unauthorized('Bearer error="invalid_token"', 'The access token is invalid or has expired.');
}

/** RFC 8705 §3. */
export function otherCertificate(): ApiError {
  return unauthorized(
    'Bearer error="invalid_token"',
    'The access token is bound to a certificate, and this request came over another one or none.',
  );
}

export function insufficientScope(required: readonly string[]): ApiError {
  // A path can contain characters that a quoted string (RFC 9110 §5.6.4) cannot.
  const scope = [DEFAULT_SCOPE, ...required].join(' ').replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/gu, encodeURIComponent);
  return new ApiError('CARIL0403E', `The token's scope does not cover this call; it needs: ${required.join(' ')}.`, {
    'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"`,
  });
}

/** For a client with Basic authentication: no token is at fault, so the answer has no challenge. */
export function insufficientAllowedScope(anyOf: readonly string[]): ApiError {
  const needed = anyOf.length === 1 ? anyOf[0] : `one of ${anyOf.join(', ')}`;
  return new ApiError('CARIL0403E', `The client's allowed scope does not cover this call; it needs ${needed}.`);
}

export function unauthorized(challenge: string, message: string): ApiError {
  return new ApiError('CARIL0401E', message, { 'www-authenticate': challenge });
}
