import type { FastifyInstance } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { countRequest } from '../common/turn.js';

/**
 * The number of requests that begin in one turn of the loop, some 10 ms: hundreds can arrive at once, and open requests
 * continue in between.
 */
const BEGIN_IN_TURN = 64;

/** Counts open requests, and spreads requests that arrive at once over several turns of the loop, in their order. */
export function shareTurns(fastify: FastifyInstance): void {
  fastify.server.on('request', (_request: IncomingMessage, response: ServerResponse) => countRequest(response));
  let begun = 0;
  const waiting: (() => void)[] = [];
  const begin = (request: () => void): void => {
    if (begun === 0) void nextTurn().then(newTurn);
    if (begun++ < BEGIN_IN_TURN) request();
    else waiting.push(request);
  };
  const newTurn = (): void => {
    begun = 0;
    for (const request of waiting.splice(0, BEGIN_IN_TURN)) begin(request);
  };
  fastify.addHook('onRequest', (_request, _reply, done) => begin(done));
}
