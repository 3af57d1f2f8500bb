import { Agent } from 'node:https';
import axios, { isAxiosError } from 'axios';
import { NOT_SENT } from './fan-out.js';
import type { Verdict } from './provider.js';
import { isObject } from './unanswered.js';

const HOUR_S = 3_600;
/** A new token is fetched this long before the old one ends (Google's own libraries do the same). */
const EARLY_MS = 5 * 60_000;
const FETCH_TIMEOUT_MS = 10_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

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
  url: string;
  /** Parameters of the form; `now` is epoch ms. */
  form(now: number): Record<string, string>;
}

/**
 * Access tokens of one credential (RFC 6749 §4.4, RFC 7523). At most one request to the token endpoint runs at a time,
 * and after a failure the next waits 1 s, doubling to 60 s.
 */
export class AccessTokens implements AccessTokenSource {
  private held: { token: string; expiresAt: number; renewAt: number } | undefined;
  private fetching: Promise<Grant> | undefined;
  private failed: { verdict: Verdict; times: number; retryAt: number } | undefined;

  constructor(
    private readonly request: TokenRequest,
    private readonly ca: string | undefined,
    private readonly now: () => number = Date.now,
  ) {}

  /** The token in hand, if it still holds; near its end a new one is fetched behind the caller's back. */
  current(): string | undefined {
    const { held } = this;
    const now = this.now();
    if (held === undefined || now >= held.expiresAt) return undefined;
    // `obtain` never rejects; a failure here costs nothing while the token in hand still works.
    if (now >= held.renewAt) void this.obtain();
    return held.token;
  }

  /** Fetches a token, together with everybody who asks meanwhile; within the wait after a failure answers as that did. */
  obtain(): Promise<Grant> {
    if (this.failed !== undefined && this.now() < this.failed.retryAt) {
      return Promise.resolve({ verdict: this.failed.verdict });
    }
    this.fetching ??= this.fetch().finally(() => {
      this.fetching = undefined;
    });
    return this.fetching;
  }

  /** The provider refused this token: forget it, unless a newer one is already in hand. */
  refuse(token: string): void {
    if (this.held?.token === token) this.held = undefined;
  }

  private async fetch(): Promise<Grant> {
    const answer = await this.exchange();
    if ('verdict' in answer) {
      const times = (this.failed?.times ?? 0) + 1;
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (times - 1));
      this.failed = { verdict: answer.verdict, times, retryAt: this.now() + wait };
      return answer;
    }
    const lifeMs = answer.expiresIn * 1_000;
    const now = this.now();
    this.failed = undefined;
    // A short-lived token is not renewed all the time: the margin is never more than a quarter of its life.
    this.held = {
      token: answer.token,
      expiresAt: now + lifeMs,
      renewAt: now + lifeMs - Math.min(EARLY_MS, lifeMs / 4),
    };
    return { token: answer.token };
  }

  private async exchange(): Promise<{ token: string; expiresIn: number } | { verdict: Verdict }> {
    const form = new URLSearchParams(this.request.form(this.now()));
    try {
      const { status, data } = await axios.post<string>(this.request.url, form.toString(), {
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        timeout: FETCH_TIMEOUT_MS,
        // `timeout` starts with the connection: this one covers name look-up and a server that trickles.
        signal: AbortSignal.timeout(FETCH_TIMEOUT_MS + 5_000),
        maxRedirects: 0,
        maxContentLength: 65_536,
        proxy: false,
        responseType: 'text',
        transformResponse: (body: string) => body,
        validateStatus: () => true,
        ...(this.ca === undefined ? {} : { httpsAgent: new Agent({ ca: this.ca }) }),
      });
      return readTokenAnswer(status, data);
    } catch (error) {
      // The error holds the whole request, credential included: only its code leaves here.
      const code = isAxiosError(error) && error.code !== undefined ? error.code : 'failed';
      return { verdict: transient(code) };
    }
  }
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
export function readTokenAnswer(
  status: number,
  text: string,
): { token: string; expiresIn: number } | { verdict: Verdict } {
  const answer = parseObject(text);
  if (status === 200) {
    const { access_token: token, expires_in: expiresIn } = answer;
    // Only what a header can carry.
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) return { verdict: transient('malformed answer') };
    return { token, expiresIn: typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn : HOUR_S };
  }
  if (status >= 500 || status === 429 || status === 408 || status < 400)
    return { verdict: transient(`HTTP ${status}`) };
  const { error } = answer;
  const word = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : `HTTP ${status}`;
  return { verdict: { action: 'stopApplication', reason: `token endpoint: ${word}` } };
}

function transient(what: string): Verdict {
  return {
    action: 'retryBackoff',
    reason: `token endpoint: ${what}`,
    floorMs: FIRST_WAIT_MS,
    capMs: LONGEST_WAIT_MS,
  };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
