/** Errors of the client. None of them holds a secret, a token or the request, whatever way it is printed. */

export interface ErrorDetails {
  status?: number;
  /** The server's code, as FPWSE0005E; of the token endpoint: as invalid_client. */
  code?: string;
  /** The field or parameter that the server names. */
  field?: string;
  /** `X-Request-Id` of the answer: the server's log has it. */
  requestId?: string;
  /** Seconds that the server asks the caller to wait. */
  retryAfter?: number;
}

export class CarillonError extends Error {
  readonly status?: number;
  readonly code?: string;
  readonly field?: string;
  readonly requestId?: string;
  readonly retryAfter?: number;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = new.target.name;
    Object.assign(this, details);
  }

  toJSON(): ErrorDetails & { name: string; message: string } {
    const { name, message, status, code, field, requestId, retryAfter } = this;
    return { name, message, status, code, field, requestId, retryAfter };
  }
}

/** No answer, or one that broke off: the connection failed. */
export class ConnectionError extends CarillonError {}
/** No answer within `timeout`. */
export class TimeoutError extends ConnectionError {}
/** An answer that is not Carillon's, as a page of a proxy; the message has its first characters. */
export class UnexpectedAnswerError extends CarillonError {}
/** 400, 405, 406, 413, 415: the request itself is wrong; `field` names the place if the server does. */
export class InvalidRequestError extends CarillonError {}
/** 401, or a refusal of the token endpoint: id, secret or scope is wrong. */
export class AuthenticationError extends CarillonError {}
/** 403: the scope of the token does not cover the call. */
export class PermissionError extends CarillonError {}
/** 404. */
export class NotFoundError extends CarillonError {}
/** 409: the state of the resource does not allow the call. */
export class ConflictError extends CarillonError {}
/** 410: the feed of events cannot go on from the cursor. */
export class GoneError extends CarillonError {}
/** 412: the resource has changed since it was read. */
export class RevisionError extends CarillonError {}
/** 429. */
export class RateLimitError extends CarillonError {}
/** 5xx with a code of Carillon. */
export class ServerError extends CarillonError {}
/** `webhooks.verify`: the request is not from the server that holds the secret, or is too old. */
export class WebhookVerificationError extends CarillonError {}

const BY_STATUS: Readonly<Record<number, typeof CarillonError>> = {
  401: AuthenticationError,
  403: PermissionError,
  404: NotFoundError,
  409: ConflictError,
  410: GoneError,
  412: RevisionError,
  429: RateLimitError,
};
const OAUTH_REFUSALS = new Set(['invalid_client', 'invalid_scope', 'invalid_token', 'insufficient_scope']);
const FIRST_CHARACTERS = 200;

/** The error of an answer without success. `text`: its body. */
export function errorOf(response: Response, text: string): CarillonError {
  const { status } = response;
  const details = detailsOf(response);
  const body = parseObject(text);
  const code = stringOf(body?.code) ?? stringOf(body?.error);
  const message = stringOf(body?.message) ?? stringOf(body?.error_description);
  if (code === undefined || message === undefined) {
    const type = BY_STATUS[status] ?? UnexpectedAnswerError;
    return new type(`Status ${status} with an answer that is not Carillon's: ${firstOf(text)}`, details);
  }
  const field = /Check the '([^']+)' parameter value/.exec(message)?.[1];
  const ofStatus = status >= 500 ? ServerError : (BY_STATUS[status] ?? InvalidRequestError);
  const type = OAUTH_REFUSALS.has(code) ? AuthenticationError : ofStatus;
  return new type(`${code}: ${message}`, { ...details, code, ...(field === undefined ? {} : { field }) });
}

/** The error of an unreadable answer of success: broken off, or a page of a proxy in its place. */
export function unexpected(response: Response, text: string): CarillonError {
  const type = response.headers.get('content-type') ?? 'no content type';
  if (type.includes('json')) return new ConnectionError(`The answer broke off: ${firstOf(text)}`, detailsOf(response));
  return new UnexpectedAnswerError(
    `Status ${response.status} with an answer that is not Carillon's (${type}): ${firstOf(text)}`,
    detailsOf(response),
  );
}

function detailsOf({ status, headers }: Response): ErrorDetails {
  const requestId = headers.get('x-request-id') ?? undefined;
  const retryAfter = secondsOf(headers.get('retry-after'));
  return {
    status,
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

/** Seconds or a date, RFC 9110 §10.2.3. */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - new Date().getTime()) / 1_000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

/** An answer may repeat headers of the request: no credential of them goes on. */
function firstOf(text: string): string {
  const kept = text
    .replaceAll(/(Bearer|Basic)\s+[\w.~+/=-]+|whsec_[\w+/=-]+/gi, '[removed]')
    .slice(0, FIRST_CHARACTERS);
  return kept === '' ? 'an empty body' : JSON.stringify(kept);
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Undefined: no JSON object. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
