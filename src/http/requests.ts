import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ApiError } from '../common/errors.js';
import { answerSocket } from './errors.js';
import { METHODS, otherMethod } from './methods.js';

/** What Node's parser lets through and no route is asked for, in the order of RFC 9112: before anything else is looked at. */
export function refuseRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ raw }, _reply, done) => done(refusalOf(raw) ?? undefined));
  // Node raises CONNECT apart, and closes it without a word when nobody listens.
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
  // RFC 9112 §6.1: what is coded beside chunked would be read as if it were not.
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')
    return new ApiError('CARIL0501E', 'The transfer coding must be chunked, and nothing beside it.');
  return null;
}
