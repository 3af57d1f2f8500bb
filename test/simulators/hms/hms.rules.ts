import { json } from '../shared/client-credentials.js';
import type { Answer, Judgement, ProviderRules, ReceivedRequest } from '../shared/provider.js';
import type { TokenSettings } from '../shared/settings.js';
import { TokenRegistry } from '../shared/token-registry.js';
import { HmsAccess } from './hms.access.js';
import { readMessage } from './message-check.js';

const TOKEN_PATH = '/oauth2/v3/token';
const SEND_PATH = /^\/v([123])\/([^/]+)\/messages:send$/;
const SUCCESS = '80000000';
const PARTIAL = '80100000';
/** Fates of tokens named `dead` + digits. */
const REASON_BY_NAME: Readonly<Record<string, string>> = { '0001': 'tokenFormatError', '0002': 'noPushTypeRight' };
const MESSAGE: Readonly<Record<string, string>> = {
  [SUCCESS]: 'Success',
  80200001: 'Oauth authentication error.',
  80200003: 'Oauth Token expired.',
  80300002: 'Permission denied.',
  80300007: 'All the tokens are invalid',
  80300008: 'The message body size exceeds the maximum.',
  80300010: 'The number of tokens in the message body exceeds the default value.',
  81000001: 'System inner error.',
};

/** Push Kit and its token endpoint, all on one port. */
export class HmsRules implements ProviderRules {
  readonly name = 'hms';
  readonly overrunDebug = '';
  readonly tokens = new TokenRegistry(REASON_BY_NAME);
  readonly access: HmsAccess;
  private sent = 0;

  constructor(private readonly settings: TokenSettings) {
    this.access = new HmsAccess(settings);
  }

  reset(): void {
    this.tokens.reset();
    this.access.oauth.issued = 0;
  }

  judge(request: ReceivedRequest): Judgement {
    if (request.path === TOKEN_PATH && request.method === 'POST') return this.access.oauth.exchange(request);
    const [, version, target] = SEND_PATH.exec(request.path) ?? [];
    if (version === undefined || target === undefined || request.method !== 'POST') {
      const answer = { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>404</html>' };
      return { kind: 'refuse', answer, reason: 'NOT_FOUND', token: '' };
    }
    const refusal = this.access.check(request, version, target, Date.now());
    if (refusal !== null) return this.refuse(refusal);
    const message = readMessage(request, version);
    if (typeof message === 'string') return this.refuse(message);
    const illegal = message.tokens.filter((token) => this.fateOf(token) !== undefined);
    if (illegal.length === message.tokens.length) return this.refuse('80300007');
    const taken = message.tokens.filter((token) => this.fateOf(token) === undefined);
    const { messageId, collapseId, body } = message;
    const answer = illegal.length === 0 ? this.answer(200, SUCCESS) : this.partial(version, taken.length, illegal);
    const providerId = (JSON.parse(answer.body) as { requestId: string }).requestId;
    const acceptance = taken.map((token) => ({ token, messageId, collapseId, providerId, body }));
    return { kind: 'accept', answer, acceptance };
  }

  /** `reason` is a code; without it Huawei's front end answers, with 503 for flow control. */
  failure(status: number, reason: string | undefined): Answer {
    if (reason !== undefined) return this.answer(status, reason);
    const { retryAfterSeconds } = this.settings;
    const retry: Record<string, string> =
      retryAfterSeconds > 0 && status === 503 ? { 'retry-after': String(retryAfterSeconds) } : {};
    return { status, headers: { 'content-type': 'text/html', ...retry }, body: `<html>${status}</html>` };
  }

  private fateOf(token: string): string | undefined {
    const state = this.tokens.find(token);
    return state ? state.reason : 'tokenFormatError';
  }

  /** `msg` is JSON within a string; v3 groups the tokens by cause. */
  private partial(version: string, success: number, illegal: readonly string[]): Answer {
    const counts = { success, failure: illegal.length };
    if (version !== '3') return this.answer(200, PARTIAL, JSON.stringify({ ...counts, illegal_tokens: illegal }));
    const illegalTokens: Record<string, string[]> = {};
    for (const token of illegal) (illegalTokens[this.fateOf(token) ?? ''] ??= []).push(token);
    return this.answer(200, PARTIAL, JSON.stringify({ ...counts, illegalTokens }));
  }

  private refuse(code: string): Judgement {
    const status = code.startsWith('802') ? 401 : code.startsWith('801') ? 400 : 200;
    return { kind: 'refuse', answer: this.answer(status, code), reason: code, token: '' };
  }

  private answer(status: number, code: string, msg = MESSAGE[code] ?? `refused: ${code}`): Answer {
    return json(status, { code, msg, requestId: `${Date.now()}${String(++this.sent).padStart(8, '0')}` });
  }
}
