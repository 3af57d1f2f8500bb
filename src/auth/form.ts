import { FORM_REQUIRED, OAuthError } from '../common/errors.js';
import { checkPercentEncoding } from '../common/text.js';

/** Form bodies of the az endpoints, pure (RFC 6749 §4.4.2, docs/protocol/mobilefirst.md §2). Throws OAuthError. */

/** The longest useful one, a scope and a token, is a third of it. */
const MAX_LENGTH = 16_384;

/** Parameters of a form body; RFC 6749 §3.2 forbids repeating one, and takes an empty one for absent. */
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

/** The client shows itself by its Basic header and in no other way (RFC 6749 §2.3). */
export function refuseOtherCredentials(parameters: ReadonlyMap<string, string>): void {
  for (const name of ['client_secret', 'client_assertion'])
    if (parameters.get(name))
      throw new OAuthError('invalid_request', `${name} is not taken; authenticate with a Basic header`);
}

/** `client_id` beside a Basic header says nothing new, so it must not say something else. */
export function refuseOtherClient(parameters: ReadonlyMap<string, string>, clientId: string): void {
  const named = parameters.get('client_id');
  if (named && named !== clientId)
    throw new OAuthError('invalid_request', 'client_id is another client than that of the Basic header');
}
