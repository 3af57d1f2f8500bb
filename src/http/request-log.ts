import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.js';
import { HEALTH } from './time.js';

/** In place of a status for a caller that left before its answer; nginx's log has the same number. */
const LEFT = 499;

/**
 * One line for each request, when its connection is done with it. It has the pattern of the route and nothing else of
 * the address, which may have ids and, by mistake, secrets in it.
 */
export function logRequests(fastify: FastifyInstance, { logLevel }: Pick<Config, 'logLevel'>): void {
  if (logLevel !== 'info' && logLevel !== 'debug') return;
  const log = new Logger('Request');
  fastify.addHook('onRequest', (request, reply, done) => {
    const startedAt = performance.now();
    const { socket } = request.raw;
    const before = socket.bytesWritten;
    reply.raw.once('close', () => {
      const line = lineOf(request, reply, startedAt, socket.bytesWritten - before);
      if (HEALTH.test(line.route)) log.debug(line);
      else log.log(line);
    });
    done();
  });
}

/** `bytes`: the answer with its head. */
function lineOf(request: FastifyRequest, { raw }: FastifyReply, startedAt: number, bytes: number) {
  const client = (request as { authorized?: { clientId: string } }).authorized?.clientId;
  const route = request.routeOptions.url ?? 'unknown';
  const status = raw.writableFinished ? raw.statusCode : LEFT;
  return {
    msg: `${request.method} ${route} ${status}`,
    ...(client !== undefined && { client }),
    ...{ method: request.method, route, status, ms: Math.round(10 * (performance.now() - startedAt)) / 10, bytes },
    requestId: request.id,
  };
}
