import type { FastifyReply, FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ApiError } from '../common/errors.js';
import { answerTo } from '../common/error.filter.js';
import { METHODS, otherMethod } from './methods.js';

/** The time for an answer to leave a socket that is closed. */
const LEAVE_MS = 1_000;

/** Refusals of Node's parser (RFC 9110 §15.5, RFC 6585 §5), by the code of its error. */
const REFUSALS: Readonly<Record<string, ApiError>> = {
  HPE_HEADER_OVERFLOW: new ApiError('CARIL0431E', 'The head of the request is larger than 16 KiB.'),
  ERR_HTTP_REQUEST_TIMEOUT: new ApiError('CARIL0408E', 'The request was not received in time.'),
};
/** A method that Node's parser does not support; newer versions support more. The rest of the request line is valid. */
const UNKNOWN_METHOD = /^([A-Z]{1,32}) \S+ HTTP\/1\.[01]\r?\n/;
/** RFC 8446 §5.1; versions 1 and 2 of the PROXY protocol (haproxy.org, proxy-protocol.txt). */
const TLS_HELLO = '\x16\x03';
const PROXY_LINES = ['PROXY ', '\r\n\r\n\0\r\nQUIT\n'];
const NO_REQUEST = new ApiError('FPWSE0004E', 'This is not a valid HTTP/1.1 request.');

/** Refusals before routing, which do not pass the error filter. */
export function answerFrameworkError(_error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const refusal = new ApiError('FPWSE0004E', 'The address is not a valid URL.');
  const { status, headers, body } = answerTo(refusal, request.raw.url ?? '');
  void reply
    .status(status)
    .headers({ ...headers, 'x-request-id': request.id })
    .send(body);
}

/** Answers invalid HTTP in the form of all errors, and closes. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const { _httpMessage: underWay } = socket as Socket & { _httpMessage?: { headersSent: boolean } | null };
  if (error.code === 'ECONNRESET' || !socket.writable || underWay?.headersSent === true) {
    socket.destroy();
    return;
  }
  answerSocket(socket, REFUSALS[error.code ?? ''] ?? refusalOfBytes(error));
}

function refusalOfBytes(error: Error): ApiError {
  const { rawPacket } = error as { rawPacket?: Buffer };
  const head = rawPacket?.toString('latin1', 0, 8_192) ?? '';
  const method = UNKNOWN_METHOD.exec(head)?.[1];
  if (method !== undefined && !METHODS.includes(method)) return otherMethod(method);
  if (head.startsWith(TLS_HELLO))
    return new ApiError('FPWSE0004E', 'This port speaks HTTP, but a TLS handshake was received.');
  if (PROXY_LINES.some((line) => head.startsWith(line)))
    return new ApiError(
      'FPWSE0004E',
      'This port speaks HTTP, but the PROXY protocol was received: use X-Forwarded-For instead.',
    );
  return NO_REQUEST;
}

/** Sends an answer without Fastify, and closes the connection. */
export function answerSocket(socket: Socket, refusal: ApiError): void {
  const body = JSON.stringify({ code: refusal.code, message: refusal.message });
  socket.end(
    [
      `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
      'content-type: application/json; charset=utf-8',
      ...Object.entries(refusal.headers).map(([name, value]) => `${name}: ${value}`),
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  setTimeout(() => socket.destroy(), LEAVE_MS).unref();
}
