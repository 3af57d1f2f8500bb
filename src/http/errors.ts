import type { FastifyReply, FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ApiError } from '../common/errors.js';
import { answerTo } from '../common/error.filter.js';

/** How long an answer may take to leave a socket that is given up. */
const LEAVE_MS = 1_000;

/** What Node's parser refuses (RFC 9110 §15.5, RFC 6585 §5), by its error's code. */
const REFUSALS: Readonly<Record<string, ApiError>> = {
  HPE_HEADER_OVERFLOW: new ApiError('CARIL0431E', 'The head of the request is larger than 16 KiB.'),
  ERR_HTTP_REQUEST_TIMEOUT: new ApiError('CARIL0408E', 'The request did not come in time.'),
};
const NO_REQUEST = new ApiError('FPWSE0004E', 'This is not a valid HTTP/1.1 request.');

/** Refusals before a route is found, which do not pass the error filter. */
export function answerFrameworkError(_error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const refusal = new ApiError('FPWSE0004E', 'The address is not a valid URL.');
  const { status, headers, body } = answerTo(refusal, request.raw.url ?? '');
  void reply
    .status(status)
    .headers({ ...headers })
    .send(body);
}

/** Answers what was no request, in the shape of all errors, and closes. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const { _httpMessage: underWay } = socket as Socket & { _httpMessage?: { headersSent: boolean } | null };
  if (error.code === 'ECONNRESET' || !socket.writable || underWay?.headersSent === true) {
    socket.destroy();
    return;
  }
  const refusal = REFUSALS[error.code ?? ''] ?? NO_REQUEST;
  const body = JSON.stringify({ code: refusal.code, message: refusal.message });
  socket.end(
    [
      `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  setTimeout(() => socket.destroy(), LEAVE_MS).unref();
}
