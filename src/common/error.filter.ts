import { Catch, HttpException, Logger } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, FORM_REQUIRED, OAuthError, wrongContentType } from './errors.js';
import type { OAuthErrorCode } from './errors.js';
import { authFailures } from './meters.js';
import { databaseOutage } from './outage.js';
import { RefusalLog } from './refusal-log.js';
import { RETRY_AFTER_S, isUnavailable } from './unavailable.js';

interface Answer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body: Record<string, string>;
}

/** The authorization server's routes answer every error in OAuth's form. */
const AZ_ROUTE = /\/api\/az\//;

/**
 * The only place that turns an error into an HTTP answer. An internal error is logged with its cause and answered with
 * a constant.
 */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly log = new Logger('Http');
  private readonly refusals = new RefusalLog();

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const answer = answerTo(error, request.routeOptions.url ?? '');
    this.refusals.note(request, answer.status, answer.body.error ?? answer.body.code);
    const refusal = tokenRefusal(error);
    if (refusal !== null) authFailures.inc({ reason: refusal });
    if (answer.status === 503 && isUnavailable(error)) databaseOutage.failed(error);
    else if (answer.status >= 500 && !isDeliberate(error)) {
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      this.log.error({
        msg: `${request.method} ${request.routeOptions.url ?? 'unknown route'} failed`,
        stack: cause instanceof Error ? cause.stack : String(cause),
        requestId: request.id,
      });
    }
    if (reply.sent) return;
    void reply
      .status(answer.status)
      .headers({ ...answer.headers })
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(answer.body));
  }
}

/** The answer to an error. `url`: of the route, or of the request if no route matches. */
export function answerTo(error: unknown, url: string): Answer {
  return AZ_ROUTE.test(url) ? toOAuth(toAnswer(error)) : toAnswer(error);
}

/**
 * A 501 or 503 without a cause is intended, not an internal error. At hundreds a second, logging would cost more than
 * the refused work.
 */
function isDeliberate(error: unknown): boolean {
  return (error instanceof ApiError || error instanceof OAuthError) && error.cause === undefined && error.status > 500;
}

/** Why a token or its scope was refused; null: the error is another one. */
function tokenRefusal(error: unknown): string | null {
  if (!(error instanceof ApiError)) return null;
  if (error.status === 403) return 'insufficient_scope';
  const challenge = error.headers['www-authenticate'] ?? '';
  // Wrong secrets (Basic) are counted where they are checked (auth/client-authenticator.ts).
  if (error.status !== 401 || challenge.startsWith('Basic')) return null;
  return challenge.includes('invalid_token') ? 'invalid_token' : 'no_token';
}

function toAnswer(error: unknown): Answer {
  if (error instanceof ApiError)
    return { status: error.status, headers: error.headers, body: { code: error.code, message: error.message } };
  if (error instanceof OAuthError)
    return {
      status: error.status,
      headers: { 'cache-control': 'no-store', pragma: 'no-cache', ...error.headers },
      body: { error: error.error, error_description: error.description },
    };
  const status = error instanceof HttpException ? error.getStatus() : statusOfFastify(error);
  if (status === 404) return answerFor(404, 'FPWSE0001E', 'Not found: this path does not exist.');
  if (status === 405 || status === 415) return toAnswer(wrongContentType());
  if (status === 413) return answerFor(413, 'CARIL0413E', 'The body is larger than this server accepts.');
  if (status >= 400 && status < 500)
    return answerFor(status, 'FPWSE0004E', 'The body is not valid JSON, or its length differs from Content-Length.');
  if (isUnavailable(error)) {
    const answer = answerFor(503, 'FPWSE0025E', 'The database is unavailable. Try again later.');
    return { ...answer, headers: { 'retry-after': String(RETRY_AFTER_S) } };
  }
  return answerFor(500, 'FPWSE0010E', 'Internal error. It has been logged.');
}

/** Converts an answer of the guards or the server into the form of RFC 6749. */
function toOAuth({ status, headers, body }: Answer): Answer {
  if (body.error !== undefined) return { status, headers, body };
  // The server refuses an unreadable content type before the route can.
  if (status === 405) return toAnswer(new OAuthError('invalid_request', FORM_REQUIRED));
  const error: OAuthErrorCode =
    status === 401
      ? 'invalid_token'
      : status === 403
        ? 'insufficient_scope'
        : status === 503 || status === 429
          ? 'temporarily_unavailable'
          : status >= 500
            ? 'server_error'
            : 'invalid_request';
  return {
    status,
    headers: { 'cache-control': 'no-store', pragma: 'no-cache', ...headers },
    body: { error, error_description: body.message ?? '' },
  };
}

function answerFor(status: number, code: string, message: string): Answer {
  return { status, body: { code, message } };
}

/** Fastify's own refusals (body limit, malformed JSON, bad URL) carry `statusCode`. */
function statusOfFastify(error: unknown): number {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : 500;
}
