import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ApiError } from '../common/errors.js';
import { answerSocket } from './socket-errors.js';
import { METHODS, otherMethod } from './methods.js';

/**
 * Refuses requests that Node's parser accepts and no route expects, in the order of RFC 9112, before anything else is
 * checked.
 */
export function refuseRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ raw }, _reply, done) => done(refusalOf(raw) ?? undefined));
  // Node emits CONNECT as a separate event, and closes the connection without an answer if it has no listener.
  fastify.server.on('connect', ({ method }: IncomingMessage, socket: Socket) =>
    answerSocket(socket, otherMethod(method ?? '')),
  );
}

export function refusalOf({
  method = '',
  headers,
  httpVersion,
}: Pick<IncomingMessage, 'method' | 'headers' | 'httpVersion'>): ApiError | null {
  // RFC 9112 §3.2.
  if (httpVersion !== '1.0' && headers.host === undefined)
    return new ApiError('FPWSE0004E', 'The request has no Host header.');
  if (!METHODS.includes(method)) return otherMethod(method);
  // RFC 9112 §6.1: a coding besides chunked would be ignored.
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')
    return new ApiError('CARIL0501E', 'The transfer coding must be chunked alone.');
  return null;
}
