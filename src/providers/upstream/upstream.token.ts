import { endpointTrouble, readTokenAnswer } from '../shared/bearer-tokens.js';
import type { EndpointAnswer, TokenRequest } from '../shared/bearer-tokens.js';
import { shelfName } from '../token-shelf.js';
import type { UpstreamCredentials } from './upstream.settings.js';

/** Advice for the operator, by the endpoint's error code. */
const ADVICE: Readonly<Record<string, string>> = {
  invalid_client: 'the upstream does not know this client id with this secret; check upstreamConf',
  invalid_scope: 'the upstream does not allow this client the scope; widen its allowed scope there',
};

export function scopeOf(applicationId: string): string {
  return `messages.write push.application.${applicationId}`;
}

/** Client credentials with HTTP Basic; IBM's module encodes `id:secret` plain (docs/protocol/mobilefirst.md §2). */
export function upstreamGrant(
  { clientId, secret }: UpstreamCredentials,
  tokenUrl: string,
  applicationId: string,
): TokenRequest {
  const scope = scopeOf(applicationId);
  return {
    name: shelfName('upstream', tokenUrl, clientId, secret, scope),
    url: tokenUrl,
    authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
    form: () => ({ grant_type: 'client_credentials', scope }),
    read: (status, text) => readUpstreamToken(status, text, scope),
  };
}

/**
 * Like `readTokenAnswer`, except: a refusal contains advice; a redirect is a wrong address and stops; 404 is transient,
 * because an application server answers it while its runtime starts.
 */
export function readUpstreamToken(status: number, text: string, scope: string): EndpointAnswer {
  const answer = readTokenAnswer(status, text);
  if ('token' in answer) return answer;
  if (status >= 300 && status < 400) return stop(`HTTP ${status}: the address leads elsewhere; check baseUrl`);
  const { verdict } = answer;
  if (status === 404)
    return { verdict: endpointTrouble('HTTP 404; if it stays, check baseUrl and the runtime’s name') };
  if (verdict.action !== 'stopApplication') return answer;
  const word = verdict.reason.slice(verdict.reason.lastIndexOf(' ') + 1);
  const advice = ADVICE[word === '401' ? 'invalid_client' : word];
  return advice === undefined ? answer : stop(`${word === '401' ? 'HTTP 401' : word}: ${advice} (scope ${scope})`);
}

function stop(what: string): EndpointAnswer {
  return { verdict: { action: 'stopApplication', reason: `token endpoint: ${what}` } };
}
