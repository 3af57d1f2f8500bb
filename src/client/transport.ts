import { Attempt, sleep } from './attempt.js';
import { CarillonError, ConnectionError, AuthenticationError } from './errors.js';
import { errorOf, parseObject, unexpected } from './errors.js';
import { Tokens } from './tokens.js';
import type { Granted } from './tokens.js';

export interface TransportOptions {
  url: string;
  fetch: typeof fetch;
  /** Milliseconds of one attempt; of a stream: of silence. */
  timeout: number;
  /** Further attempts after the first. */
  retries: number;
}

export interface CallOptions {
  signal?: AbortSignal;
  /** In place of the client's. */
  timeout?: number;
}

export interface Call extends CallOptions {
  method: string;
  /** With its query. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** A repeat changes nothing: the call may be tried again although an attempt may have worked. */
  isRepeatable: boolean;
}

const LONGEST_WAIT_S = 60;
const FIRST_WAIT_MS = 500;
const LONGEST_BACKOFF_MS = 8_000;

/** Requests with a token, tried again as far as that is safe. */
export class Transport {
  readonly #tokens: Tokens;

  /** `authorization`: of the token request, `path` and `scope` of that request. */
  constructor(
    private readonly options: TransportOptions,
    authorization: () => string,
    tokenPath: string,
    scope: string,
  ) {
    const body = new URLSearchParams({ grant_type: 'client_credentials', scope }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const call = { method: 'POST', path: tokenPath, body, isRepeatable: true };
    this.#tokens = new Tokens(() =>
      this.#retry({ ...call, headers: { ...headers, authorization: authorization() } }, readJson<Granted>),
    );
  }

  async authenticate(signal?: AbortSignal): Promise<void> {
    await this.#tokens.get(signal);
  }

  /** The object of the answer. */
  json<T>(call: Call): Promise<T> {
    return this.#authorized(call, readJson<T>);
  }

  /** The same, or undefined for an answer without a body. */
  any<T>(call: Call): Promise<T> {
    return this.#authorized(call, readAny<T>);
  }

  /** The lines of an NDJSON answer that fits the memory. */
  lines(call: Call): Promise<string[]> {
    return this.#authorized(call, async (response) => {
      if (!isLines(response)) throw unexpected(response, await response.text());
      return (await response.text()).split('\n').filter((line) => line !== '');
    });
  }

  /** The bytes of the answer; a break is a ConnectionError that is not tried again. */
  async *stream(call: Call): AsyncGenerator<Uint8Array, void, undefined> {
    const { body, attempt } = await this.#authorized(call, async (response, attempt) => {
      if (!response.body || !isLines(response)) throw unexpected(response, await response.text());
      return { body: response.body as ReadableStream<Uint8Array>, attempt };
    });
    const reader = body.getReader();
    let isWhole = false;
    try {
      for (;;) {
        attempt.extend();
        const { done, value } = await reader.read().catch((error: unknown) => {
          throw connectionError(call, error, attempt);
        });
        if (done) break;
        yield value;
      }
      isWhole = true;
    } catch (error) {
      call.signal?.throwIfAborted();
      throw error;
    } finally {
      attempt.end(!isWhole);
    }
  }

  /** With a new token after the first 401: the old one was revoked, or has ended by the server's clock. */
  async #authorized<T>(call: Call, read: Read<T>): Promise<T> {
    for (let isRenewed = false; ; isRenewed = true) {
      const token = await this.#tokens.get(call.signal);
      try {
        return await this.#retry({ ...call, headers: { ...call.headers, authorization: `Bearer ${token}` } }, read);
      } catch (error) {
        if (!(error instanceof AuthenticationError) || isRenewed) throw error;
        this.#tokens.drop(token);
      }
    }
  }

  async #retry<T>(call: Call, read: Read<T>): Promise<T> {
    for (let tried = 0; ; tried++)
      try {
        return await this.#attempt(call, read);
      } catch (error) {
        call.signal?.throwIfAborted();
        if (tried >= this.options.retries || !mayRetry(call, error)) throw error;
        await sleep(waitMs(error, tried), call.signal);
      }
  }

  /** `read` that returns the attempt itself keeps it going. */
  async #attempt<T>(call: Call, read: Read<T>): Promise<T> {
    const { method, path, headers, body, signal } = call;
    const attempt = new Attempt(call.timeout ?? this.options.timeout, signal);
    let isKept = false;
    try {
      // Called as a plain function: a browser's fetch refuses another `this`. A redirect could carry a token away.
      const { fetch } = this.options;
      const init = { method, headers, body, redirect: 'manual', signal: attempt.signal } as const;
      const response = await fetch(`${this.options.url}${path}`, init);
      // Read to its end also if it is tried again: the connection is free for the next request.
      if (!response.ok) throw errorOf(response, await response.text());
      const result = await read(response, attempt);
      isKept = isStream(result);
      return result;
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof CarillonError ? error : connectionError(call, error, attempt);
    } finally {
      if (!isKept) attempt.end();
    }
  }
}

type Read<T> = (response: Response, attempt: Attempt) => Promise<T>;

function isStream(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'attempt' in result && result.attempt instanceof Attempt;
}

function isLines({ headers }: Response): boolean {
  return headers.get('content-type')?.includes('ndjson') === true;
}

async function readAny<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T;
  return readJson<T>(response);
}

async function readJson<T>(response: Response): Promise<T> {
  const text = await response.text();
  const body = parseObject(text);
  if (!body) throw unexpected(response, text);
  return body as T;
}

function connectionError({ method, path }: Call, error: unknown, { signal }: Attempt): CarillonError {
  if (signal.reason instanceof CarillonError) return signal.reason;
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  const { code, message } = (cause instanceof Error ? cause : {}) as { code?: string; message?: string };
  return new ConnectionError(`${method} ${path.split('?')[0]}: ${code ?? message ?? 'the connection failed'}`);
}

/** 429 says that nothing was done; every other failure may hide a success. */
function mayRetry(call: Call, error: unknown): boolean {
  if (!(error instanceof CarillonError)) return false;
  if ((error.retryAfter ?? 0) > LONGEST_WAIT_S) return false;
  if (error.status === 429) return true;
  if (!call.isRepeatable) return false;
  if (error instanceof ConnectionError) return true;
  return error.status === 408 || ((error.status ?? 0) >= 500 && error.status !== 501);
}

/** Full jitter, on top of what the server asks for. */
function waitMs(error: unknown, tried: number): number {
  const asked = error instanceof CarillonError ? (error.retryAfter ?? 0) * 1_000 : 0;
  return asked + Math.random() * Math.min(LONGEST_BACKOFF_MS, FIRST_WAIT_MS * 2 ** tried);
}
