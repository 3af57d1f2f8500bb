import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction } from 'node:net';
import { Logger } from '@nestjs/common';
import axios, { isAxiosError } from 'axios';
import { wallClock } from '../../common/clock.js';
import { HOUR_S, MINUTE_MS } from '../../common/durations.js';
import { NOT_PUBLIC } from '../../common/public-address.js';
import { NOT_SENT } from './fan-out.js';
import { isPassing } from './front-end.js';
import type { Verdict } from '../provider.js';
import { readHttpDate } from './retry-after.js';
import type { SharedToken, TokenShelf } from '../token-shelf.js';
import { isObject } from './unanswered.js';

/** A new token is fetched this long before the old one ends (Google's own libraries do the same). */
const EARLY_MS = 5 * MINUTE_MS;
const FETCH_TIMEOUT_MS = 10_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = MINUTE_MS;
/** Google takes an assertion of a clock that differs by less. */
const SKEW_MS = 2 * MINUTE_MS;

/** RFC 6749 §5.2 and §4.1.2.1, and Google's: no other word of an answer is repeated. */
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

/** An access token, or what its absence means for a delivery. */
export type Grant = { token: string } | { verdict: Verdict };

/** Where bearer tokens come from: fetched from an endpoint, or signed here. */
export interface AccessTokenSource {
  /** The token to send with now; undefined: `obtain` one first. */
  current(): string | undefined;
  obtain(): Promise<Grant>;
  /** The provider refused this token. */
  refuse(token: string): void;
}

/** What is asked of an OAuth 2 token endpoint. */
export interface TokenRequest {
  /** Of the credential, on the shelf. */
  name: string;
  url: string;
  /** Parameters of the form; `now` is epoch ms. */
  form(now: number): Record<string, string>;
  /** Where the client shows its secret in a header instead (RFC 6749 §2.3.1). */
  authorization?: string;
  /** Finds the addresses of the endpoint's name in place of the system's look-up, where a caller gives the URL. */
  lookup?: LookupFunction;
  /** In place of `readTokenAnswer`, where an answer means more. */
  read?: (status: number, text: string) => TokenAnswer;
}

export type TokenAnswer = { token: string; expiresIn: number } | { verdict: Verdict };

/**
 * Access tokens of one credential (RFC 6749 §4.4, RFC 7523), shared with other applications and processes by way of the
 * shelf. At most one request to the token endpoint runs at a time, and after a failure the next waits 1 s, doubling to
 * 60 s.
 */
export class AccessTokens implements AccessTokenSource {
  private readonly log = new Logger('Providers');
  private held: SharedToken | undefined;
  private refused: string | undefined;
  private fetching: Promise<Grant> | undefined;
  /** `retryAt` by a clock that never steps. */
  private failed: { verdict: Verdict; times: number; retryAt: number } | undefined;

  constructor(
    private readonly request: TokenRequest,
    private readonly ca: string | undefined,
    private readonly shelf: TokenShelf,
    private readonly now: () => number = wallClock,
    private readonly elapsed: () => number = () => performance.now(),
  ) {}

  /** The token in hand, if it still holds; near its end a new one is fetched behind the caller's back. */
  current(): string | undefined {
    const { held } = this;
    const now = this.now();
    if (held === undefined || now >= held.expiresAt) return undefined;
    // `obtain` never rejects; a failure here costs nothing while the token in hand still works.
    if (isDue(held, now)) void this.obtain();
    return held.token;
  }

  /**
   * Gets a token, together with everybody who asks meanwhile; within the wait after a failure answers as that did, but that
   * a refusal stops only once: whoever resumes the application before the wait is over has the endpoint asked again.
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

  /** The provider refused this token: forget it, unless a newer one is already in hand. */
  refuse(token: string): void {
    if (this.held?.token !== token) return;
    this.held = undefined;
    this.refused = token;
  }

  private async takeOrFetch(): Promise<Grant> {
    // A shelf that is away costs the others their share, and us nothing.
    const shared = await this.shelf.take(this.request.name).catch(() => undefined);
    const isGood = shared !== undefined && shared.token !== this.refused && !isDue(shared, this.now());
    if (!isGood) return this.fetch(shared?.mintedAt ?? 0);
    this.held = shared;
    return { token: shared.token };
  }

  /** A new token, in place of one on the shelf that was minted at `than` or before. */
  private async fetch(than: number): Promise<Grant> {
    let answer = await this.exchange();
    // One odd word is not believed: the second request is signed anew.
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

  /** A grant of a time that the endpoint does not share is refused for our clock, and no person has to change a setting. */
  private doubt(answer: TokenAnswer, date: string): TokenAnswer {
    if ('token' in answer || answer.verdict.action !== 'stopApplication') return answer;
    if (!answer.verdict.reason.includes('invalid_grant')) return answer;
    const now = this.now();
    const theirs = readHttpDate(date, now) ?? now;
    if (Math.abs(theirs - now) < SKEW_MS) return answer;
    const minutes = Math.round((now - theirs) / MINUTE_MS);
    const words = `invalid_grant, by a clock ${Math.abs(minutes)} min ${minutes > 0 ? 'behind' : 'ahead of'} ours`;
    if (this.failed === undefined)
      this.log.warn(`${new URL(this.request.url).host} says ${words}: the clock of the database or its own is wrong`);
    return { verdict: endpointTrouble(words) };
  }

  private async exchange(): Promise<TokenAnswer> {
    const { url, authorization, lookup, read = readTokenAnswer } = this.request;
    const agent = { ...(lookup && { lookup }), ...(this.ca !== undefined && { ca: this.ca }) };
    const form = new URLSearchParams(this.request.form(this.now()));
    try {
      const { status, data, headers } = await axios.post<string>(url, form.toString(), {
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
          ...(authorization !== undefined && { authorization }),
        },
        timeout: FETCH_TIMEOUT_MS,
        // `timeout` starts with the connection: this one covers name look-up and a server that trickles.
        signal: AbortSignal.timeout(FETCH_TIMEOUT_MS + 5_000),
        maxRedirects: 0,
        maxContentLength: 65_536,
        proxy: false,
        responseType: 'text',
        transformResponse: (body: string) => body,
        validateStatus: () => true,
        httpAgent: new http.Agent(agent),
        httpsAgent: new https.Agent(agent),
      });
      return this.doubt(read(status, data), String(headers['date'] ?? ''));
    } catch (error) {
      // The error holds the whole request, credential included: only its code leaves here.
      const code = isAxiosError(error) && error.code !== undefined ? error.code : 'failed';
      return { verdict: endpointTrouble(code === NOT_PUBLIC ? 'it is not at a public address' : code) };
    }
  }
}

/** A short-lived token is not renewed all the time: the margin is never more than a quarter of its life. */
function isDue({ mintedAt, expiresAt }: SharedToken, now: number): boolean {
  return now >= expiresAt - Math.min(EARLY_MS, (expiresAt - mintedAt) / 4);
}

/**
 * True when a token is in hand, fetched if need be. Otherwise nothing can be written and all `count` recipients are
 * reported with what the fetch said, a stop once: the others were not sent.
 */
export async function haveToken(
  tokens: AccessTokenSource,
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
 * Reads the token endpoint's answer (RFC 6749 §5). Refusals of the credential stop the application; trouble on the
 * other side (5xx, 429, a page in place of JSON) never does.
 */
export function readTokenAnswer(status: number, text: string): TokenAnswer {
  const answer = parseObject(text);
  if (status === 200) {
    const { access_token: token, expires_in: expiresIn } = answer;
    // Only what a header can carry.
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
      return { verdict: endpointTrouble('malformed answer') };
    return { token, expiresIn: typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn : HOUR_S };
  }
  const { error } = answer;
  const word = OAUTH_ERRORS.find((known) => known === error) ?? '';
  // A refusal has a word (RFC 6749 §5.2). Some servers leave it out of a 401, which a front end's page is not taken for.
  const isRefusal = typeof error === 'string' || (status === 401 && !/^\s*</.test(text));
  if (isPassing(status) || status === 429 || status < 400 || !isRefusal)
    return { verdict: endpointTrouble(`HTTP ${status}`) };
  return { verdict: { action: 'stopApplication', reason: `token endpoint: ${word || `HTTP ${status}`}` } };
}

/** Trouble that passes: tried again, and never a reason to stop. */
export function endpointTrouble(what: string): Verdict {
  return comeAgain(`token endpoint: ${what}`);
}

function comeAgain(reason: string): Verdict {
  return { action: 'retryBackoff', reason, floorMs: FIRST_WAIT_MS, capMs: LONGEST_WAIT_MS };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
