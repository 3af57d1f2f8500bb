/** Every way in which a request fails, in one shape. `status` 0: no answer came. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Seconds that a 429 or 503 asks to wait. */
    readonly retryAfter: number | null = null,
    /** The scope that a 403 asks for. */
    readonly neededScope: string | null = null,
  ) {
    super(message);
    this.name = 'Failure';
  }

  get isSignedOut(): boolean {
    return this.status === 401;
  }

  get isForbidden(): boolean {
    return this.status === 403;
  }

  /** Another editor was faster. */
  get isChanged(): boolean {
    return this.status === 412;
  }

  get isMissing(): boolean {
    return this.status === 404;
  }
}

/** Of an answer that is no success; `body` is what could be read of it. */
export function failureOf(response: Response, body: unknown): Failure {
  const { code, message } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const wait = Number(response.headers.get('retry-after') ?? Number.NaN);
  const scope = /scope="([^"]*)"/.exec(response.headers.get('www-authenticate') ?? '')?.[1] ?? null;
  return new Failure(
    response.status,
    typeof code === 'string' ? code : String(response.status),
    typeof message === 'string' ? message : response.statusText,
    Number.isFinite(wait) ? wait : null,
    scope,
  );
}

/** For an error before any answer: the network, or a proxy that cut it. */
export function noAnswer(cause: unknown): Failure {
  const failure = new Failure(0, 'NO_ANSWER', cause instanceof Error ? cause.message : String(cause));
  failure.cause = cause;
  return failure;
}
