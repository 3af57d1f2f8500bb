import { OAuthError } from '../common/errors.js';
import { DEFAULT_SCOPE, parseScope } from './scope.js';

/** The token request (RFC 6749 §4.4.2, mobilefirst.md §2), step by step and pure. Each step throws OAuthError. */

export interface Credentials {
  id: string;
  secret: string;
}

/** Parameters of a form body; RFC 6749 §3.2 forbids repeating one. */
export function parseForm(contentType: string | undefined, body: unknown): Map<string, string> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType ?? ''))
    throw new OAuthError('invalid_request', 'The content type must be application/x-www-form-urlencoded');
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(typeof body === 'string' ? body : '')) {
    if (parameters.has(name)) throw new OAuthError('invalid_request', 'A parameter is given more than once');
    parameters.set(name, value);
  }
  return parameters;
}

export function checkGrantType(parameters: ReadonlyMap<string, string>): void {
  const grant = parameters.get('grant_type');
  if (!grant) throw new OAuthError('invalid_request', 'grant_type is missing');
  if (grant !== 'client_credentials')
    throw new OAuthError('unsupported_grant_type', 'grant_type must be client_credentials');
}

/**
 * The pairs that a Basic header may mean: as it stands, and form-decoded as RFC 6749 §2.3.1 has it. Callers try them
 * in this order, because MobileFirst's own clients send the raw form.
 */
export function parseBasic(header: string | undefined): Credentials[] {
  const encoded = /^basic +([A-Za-z0-9+/_-]+=*) *$/i.exec(header ?? '')?.[1];
  const text = encoded ? Buffer.from(encoded, 'base64').toString('utf8') : '';
  const colon = text.indexOf(':');
  if (colon < 1) throw new OAuthError('invalid_client', 'Basic authentication with id and secret is required');
  const raw = { id: text.slice(0, colon), secret: text.slice(colon + 1) };
  const decoded = { id: formDecode(raw.id), secret: formDecode(raw.secret) };
  if (decoded.id === null || decoded.secret === null) return [raw];
  if (decoded.id === raw.id && decoded.secret === raw.secret) return [raw];
  return [raw, { id: decoded.id, secret: decoded.secret }];
}

/** The scope to grant, as asked for and in its order. */
export function requestedScope(parameters: ReadonlyMap<string, string>): { text: string; elements: string[] } {
  const text = parameters.get('scope')?.trim() || DEFAULT_SCOPE;
  const elements = parseScope(text);
  if (!elements) throw new OAuthError('invalid_scope', 'The scope is malformed or too long');
  return { text: elements.join(' '), elements };
}

function formDecode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
