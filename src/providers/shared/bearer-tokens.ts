import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction } from 'node:net';
import { Logger } from '@nestjs/common';
import axios, { isAxiosError } from 'axios';
import { wallClock } from '../../common/clock.js';
import { HOUR_S, MINUTE_MS } from '../../common/durations.js';
import { NOT_PUBLIC } from '../../common/public-address.js';
import { PROXY_FAULT, TunnelAgent, type Way } from '../../common/tunnel.js';
import { NOT_SENT } from './fan-out.js';
import { isPassing } from './front-end.js';
import type { Verdict } from '../provider.js';
import { readHttpDate } from './retry-after.js';
import type { SharedToken, TokenShelf } from '../token-shelf.js';
import { isObject } from './unanswered.js';

/** A new token is requested this long before the end of the old one, as Google's libraries do. */
const EARLY_MS = 5 * MINUTE_MS;
const FETCH_TIMEOUT_MS = 10_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = MINUTE_MS;
/** Google accepts an assertion whose clock differs by less. */
const SKEW_MS = 2 * MINUTE_MS;

/** Codes of RFC 6749 §5.2 and §4.1.2.1 and of Google. Other words of an answer are not repeated. */
const OAUTH_ERRORS = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'access_denied',
  'server_error',
  'temporarily_unavailable',
  'deleted_client',
  'disabled_client',
  'org_internal',
  'rate_limit_exceeded',
];

/** An access token, or the verdict on deliveries without one. */
export type Grant = { token: string } | { verdict: Verdict };

/** A source of bearer tokens: requested from an endpoint or signed here. */
export interface BearerTokenSource {
  /** The token to send with now. If undefined, call `obtain` first. */
  current(): string | undefined;
  obtain(): Promise<Grant>;
  /** Called when the provider refused this token. */
  refuse(token: string): void;
}

/** A request to an OAuth 2 token endpoint. */
export interface TokenRequest {
  /** Name of the credential on the shelf. */
  name: string;
  url: string;
  /** Parameters of the form; `now` is epoch ms. */
  form(now: number): Record<string, string>;
  /** `Authorization` header, if the client sends its secret there (RFC 6749 §2.3.1). */
  authorization?: string;
  /** Resolves the endpoint's name instead of the system, if a caller gives the URL. */
  lookup?: LookupFunction;
  /** Replaces `readTokenAnswer` if answers have another meaning. */
  read?: (status: number, text: string) => EndpointAnswer;
}

export type EndpointAnswer = { token: string; expiresIn: number } | { verdict: Verdict };

/**
 * Access tokens of one credential (RFC 6749 §4.4, RFC 7523), shared with other applications and processes through the
 * shelf. At most one request to the token endpoint runs at a time; after a failure the next waits 1 s, doubling to 60
 * s.
 */
export class BearerTokens implements BearerTokenSource {
  private readonly log = new Logger('Providers');
  private held: SharedToken | undefined;
  private refused: string | undefined;
  private fetching: Promise<Grant> | undefined;
  /** `retryAt` by a clock that never steps. */
  private failed: { verdict: Verdict; times: number; retryAt: number } | undefined;

  constructor(
    private readonly request: TokenRequest,
    private readonly way: Way,
    private readonly shelf: TokenShelf,
    private readonly now: () => number = wallClock,
    private readonly elapsed: () => number = () => performance.now(),
  ) {}

  /** The token in hand, if it is valid. Near its end, a new one is requested in the background. */
  current(): string | undefined {
    const { held } = this;
    const now = this.now();
    if (held === undefined || now >= held.expiresAt) return undefined;
    // `obtain` never rejects. A failure here has no effect while the token in hand is valid.
    if (isDue(held, now)) void this.obtain();
    return held.token;
  }

  /**
   * Gets a token, with one request for all callers. Within the wait after a failure it repeats that answer, but a
   * refusal stops only once: if the application is resumed before the wait is over, the endpoint is asked again.
   */
  obtain(): Promise<Grant> {
    if (this.failed !== undefined && this.elapsed() < this.failed.retryAt) {
      const { verdict } = this.failed;
      return Promise.resolve({ verdict: verdict.action === 'stopApplication' ? comeAgain(verdict.reason) : verdict });
    }
    this.fetching ??= this.takeOrFetch().finally(() => {
      this.fetching = undefined;
    });
    return this.fetching;
  }

  /** The provider refused this token: drop it, unless a newer one is in hand. */
  refuse(token: string): void {
    if (this.held?.token !== token) return;
    this.held = undefined;
    this.refused = token;
  }

  private async takeOrFetch(): Promise<Grant> {
    // If the shelf is unreachable, other processes request their own token.
    const shared = await this.shelf.take(this.request.name).catch(() => undefined);
    const isGood = shared !== undefined && shared.token !== this.refused && !isDue(shared, this.now());
    if (!isGood) return this.fetch(shared?.mintedAt ?? 0);
    this.held = shared;
    return { token: shared.token };
  }

  /** Requests a new token instead of one on the shelf that was issued at `than` or before. */
  private async fetch(than: number): Promise<Grant> {
    let answer = await this.exchange();
    // A single refusal is not believed; the second request is signed anew.
    if ('verdict' in answer && answer.verdict.action === 'stopApplication') answer = await this.exchange();
    if ('verdict' in answer) {
      const times = (this.failed?.times ?? 0) + 1;
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (times - 1));
      this.failed = { verdict: answer.verdict, times, retryAt: this.elapsed() + wait };
      return answer;
    }
    this.failed = undefined;
    const mintedAt = this.now();
    const fresh = { token: answer.token, mintedAt, expiresAt: mintedAt + answer.expiresIn * 1_000 };
    this.held = await this.shelf.put(this.request.name, fresh, than).catch(() => fresh);
    return { token: this.held.token };
  }

  /** If the endpoint's clock differs, a refused grant is retried: the time is wrong, not the setting. */
  private doubt(answer: EndpointAnswer, date: string): EndpointAnswer {
    if ('token' in answer || answer.verdict.action !== 'stopApplication') return answer;
    if (!answer.verdict.reason.includes('invalid_grant')) return answer;
    const now = this.now();
    const theirs = readHttpDate(date, now) ?? now;
    if (Math.abs(theirs - now) < SKEW_MS) return answer;
    const minutes = Math.round((now - theirs) / MINUTE_MS);
    const words = `invalid_grant, by a clock ${Math.abs(minutes)} min ${minutes > 0 ? 'behind' : 'ahead of'} ours`;
    if (this.failed === undefined)
      this.log.warn(
        `${new URL(this.request.url).host} answered ${words}: its clock or the clock of the database is wrong`,
      );
    return { verdict: endpointTrouble(words) };
  }

  private async exchange(): Promise<EndpointAnswer> {
    const { url, authorization, lookup, read = readTokenAnswer } = this.request;
    const { ca, tunnel } = this.way;
    const agent = { ...(lookup && { lookup }), ...(ca !== undefined && { ca }) };
    const form = new URLSearchParams(this.request.form(this.now()));
    try {
      const { status, data, headers } = await axios.post<string>(url, form.toString(), {
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
          ...(authorization !== undefined && { authorization }),
        },
        timeout: FETCH_TIMEOUT_MS,
        // `timeout` starts with the connection; this signal covers name resolution and a slow answer.
        signal: AbortSignal.timeout(FETCH_TIMEOUT_MS + 5_000),
        maxRedirects: 0,
        maxContentLength: 65_536,
        proxy: false,
        responseType: 'text',
        transformResponse: (body: string) => body,
        validateStatus: () => true,
        httpAgent: new http.Agent(agent),
        httpsAgent: tunnel ? new TunnelAgent(agent, tunnel) : new https.Agent(agent),
      });
      return this.doubt(read(status, data), String(headers['date'] ?? ''));
    } catch (error) {
      return { verdict: endpointTrouble(describe(error)) };
    }
  }
}

/** The margin is at most a quarter of the token's life, so that a short-lived token is not renewed all the time. */
function isDue({ mintedAt, expiresAt }: SharedToken, now: number): boolean {
  return now >= expiresAt - Math.min(EARLY_MS, (expiresAt - mintedAt) / 4);
}

/**
 * True if a token is in hand, requested if necessary. Otherwise reports all `count` recipients: a stop is reported once
 * and the rest as notSent; another verdict is reported for each.
 */
export async function haveToken(
  tokens: BearerTokenSource,
  count: number,
  report: (index: number, verdict: Verdict) => void,
): Promise<boolean> {
  if (tokens.current() !== undefined) return true;
  const grant = await tokens.obtain();
  if ('token' in grant) return true;
  const { verdict } = grant;
  const others = verdict.action === 'stopApplication' ? NOT_SENT : verdict;
  for (let index = 0; index < count; index++) report(index, index === 0 ? verdict : others);
  return false;
}

/**
 * Reads the token endpoint's answer (RFC 6749 §5). A refused credential stops the application; a fault of the endpoint
 * (5xx, 429, HTML) never does.
 */
export function readTokenAnswer(status: number, text: string): EndpointAnswer {
  const answer = parseObject(text);
  if (status === 200) {
    const { access_token: token, expires_in: expiresIn } = answer;
    // Only characters that a header may contain.
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
      return { verdict: endpointTrouble('malformed answer') };
    return { token, expiresIn: typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn : HOUR_S };
  }
  const { error } = answer;
  const word = OAUTH_ERRORS.find((known) => known === error) ?? '';
  // A refusal has an `error` (RFC 6749 §5.2). Some servers leave it out of a 401; HTML is not a refusal.
  const isRefusal = typeof error === 'string' || (status === 401 && !/^\s*</.test(text));
  if (isPassing(status) || status === 429 || status < 400 || !isRefusal)
    return { verdict: endpointTrouble(`HTTP ${status}`) };
  return { verdict: { action: 'stopApplication', reason: `token endpoint: ${word || `HTTP ${status}`}` } };
}

/** A transient fault: retried, and never a reason to stop. */
export function endpointTrouble(what: string): Verdict {
  return comeAgain(`token endpoint: ${what}`);
}

function comeAgain(reason: string): Verdict {
  return { action: 'retryBackoff', reason, floorMs: FIRST_WAIT_MS, capMs: LONGEST_WAIT_MS };
}

/** The error contains the whole request with the credential, so only its code is used, and the words on a proxy. */
function describe(error: unknown): string {
  if (!isAxiosError(error) || error.code === undefined) return 'failed';
  if (error.code === PROXY_FAULT) return error.message;
  return error.code === NOT_PUBLIC ? 'it is not at a public address' : error.code;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
