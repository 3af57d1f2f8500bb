/**
 * Every error that the push and admin APIs answer: the documented FPWSE codes (docs/protocol/mobilefirst.md §9.6) with
 * our status, and CARIL codes for cases that the list does not have.
 */
export const ERROR_CODES = {
  FPWSE0001E: 404, // the targeted resource does not exist
  FPWSE0002E: 409, // the resource exists already
  FPWSE0004E: 400, // the body is not JSON, or not an object
  FPWSE0005E: 400, // a value is missing or invalid
  FPWSE0007E: 400, // a query parameter that the route does not know
  FPWSE0008E: 400, // a query parameter is missing
  FPWSE0010E: 500, // a fault of ours
  FPWSE0011E: 409, // the subscription exists
  FPWSE0012E: 404, // the subscription does not exist
  FPWSE0025E: 503, // busy, or a part we need is away
  FPWSE1007E: 409, // the application is disabled
  FPWSE1079E: 400, // the offset is no number from 0 on
  FPWSE1080E: 400, // the size is no number above 0
  CARIL0401E: 401, // no token, or one that no longer holds
  CARIL0403E: 403, // the token's scope does not cover the call
  CARIL0405E: 405, // wrong method or content type
  CARIL0406E: 406, // nothing that the caller takes can be answered
  CARIL0408E: 408, // the request did not come in time
  CARIL0409E: 409, // the state of the resource does not allow the call
  CARIL0410E: 410, // the events after the cursor are gone
  CARIL0412E: 412, // the resource is of another revision than the caller names
  CARIL0413E: 413, // the body is larger than the limit
  CARIL0415E: 415, // a charset or content coding that cannot be read
  CARIL0429E: 429, // too many failed attempts to authenticate
  CARIL0431E: 431, // the head of the request is too large
  CARIL0501E: 501, // a transfer coding that cannot be read
} as const;
export type ErrorCode = keyof typeof ERROR_CODES;

/** An error answer. `cause` is for our log and never leaves the process. */
export class ApiError extends Error {
  readonly status: number;

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ApiError';
    this.status = ERROR_CODES[code];
  }
}

/** `what`: "Application", "Device", …; `parameter`: the path parameter or body field with its name. */
export function notFound(what: string, parameter: string): ApiError {
  return new ApiError('FPWSE0001E', `Not found: the ${what} does not exist. Check the '${parameter}' parameter value.`);
}

export function invalidValue(field: string, reason: string): ApiError {
  return new ApiError('FPWSE0005E', `Invalid value was provided. Check the '${field}' parameter value: ${reason}.`);
}

/** The route reads only the content type `expected`. */
export function wrongContentType(expected = 'application/json'): ApiError {
  return new ApiError('CARIL0405E', `The content type must be ${expected}.`);
}

/** Makes a name from outside safe for logs: at most 40 characters, only printable ASCII. */
export function printable(name: string): string {
  return name.slice(0, 40).replace(/[^\x20-\x7e]/g, '?');
}

/**
 * RFC 6749 §5.2 and RFC 6750 §3.1; the last two come from RFC 6749 §4.1.2.1 and mean a server that cannot answer now.
 */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'temporarily_unavailable'
  | 'server_error';

/** The refusal of a wrong content type at the az endpoints. */
export const FORM_REQUIRED = 'The content type must be application/x-www-form-urlencoded';

/** An error answer of the az endpoints. */
export class OAuthError extends Error {
  constructor(
    readonly error: OAuthErrorCode,
    readonly description: string,
    readonly status = 400,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(`${error}: ${description}`);
    this.name = 'OAuthError';
  }
}

/** The root cause of an error in one line, for a log. */
export function rootCause(error: unknown): string {
  let current = error;
  while (current instanceof Error && current.cause !== undefined) current = current.cause;
  if (current instanceof AggregateError && current.errors.length > 0) return rootCause(current.errors[0]);
  if (current instanceof Error) return current.message || current.name;
  return String(current);
}
