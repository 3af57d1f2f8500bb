import { FORM_REQUIRED, OAuthError } from '../common/errors.js';
import { ASSERTION_TYPE } from './client-assertions.js';
import { checkPercentEncoding } from '../common/text.js';

/**
 * Pure rules for form bodies of the az endpoints (RFC 6749 §4.4.2, docs/protocol/mobilefirst.md §2). They throw
 * OAuthError.
 */

/** Three times the longest useful form, a scope and a token. */
const MAX_LENGTH = 16_384;

/** Parameters of a form body; RFC 6749 §3.2 forbids repeating one and treats an empty one as absent. */
export function parseForm(contentType: string | undefined, body: unknown): Map<string, string> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType ?? ''))
    throw new OAuthError('invalid_request', FORM_REQUIRED);
  const text = typeof body === 'string' ? body : '';
  if (text.length > MAX_LENGTH)
    throw new OAuthError('invalid_request', `The body is longer than ${MAX_LENGTH} characters`, 413);
  checkEncoding(text);
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (parameters.has(name)) throw new OAuthError('invalid_request', 'A parameter is given more than once');
    parameters.set(name, value);
  }
  return parameters;
}

function checkEncoding(text: string): void {
  try {
    checkPercentEncoding(text, 'body');
  } catch (error) {
    throw new OAuthError('invalid_request', (error as Error).message.slice(0, -1));
  }
}

export function requireParameter(parameters: ReadonlyMap<string, string>, name: string): string {
  const value = parameters.get(name);
  if (!value) throw new OAuthError('invalid_request', `${name} is missing`);
  return value;
}

/**
 * The assertion by which the client authenticates (RFC 7523 §2.2). Undefined: a Basic header has to do it; one request
 * has one method (RFC 6749 §2.3).
 */
export function readAssertion(parameters: ReadonlyMap<string, string>, authorization: string | undefined) {
  const assertion = parameters.get('client_assertion');
  if (!assertion) return undefined;
  if (authorization !== undefined)
    throw new OAuthError('invalid_request', 'The request has both a client_assertion and an Authorization header');
  if (parameters.get('client_assertion_type') !== ASSERTION_TYPE)
    throw new OAuthError('invalid_request', `client_assertion_type must be ${ASSERTION_TYPE}`);
  return assertion;
}

/** No secret in the body (RFC 6749 §2.3.1), and no assertion where only the Basic header counts. */
export function refuseOtherCredentials(parameters: ReadonlyMap<string, string>, ...names: string[]): void {
  for (const name of ['client_secret', ...names])
    if (parameters.get(name))
      throw new OAuthError('invalid_request', `${name} is not accepted; authenticate with a Basic header`);
}

/** `client_id` is redundant besides the credentials, so it has to name the same client. */
export function refuseOtherClient(parameters: ReadonlyMap<string, string>, clientId: string): void {
  const named = parameters.get('client_id');
  if (named && named !== clientId)
    throw new OAuthError('invalid_request', 'client_id differs from the client of the credentials');
}
