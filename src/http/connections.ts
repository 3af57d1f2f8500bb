import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { countRequest } from '../common/turn.js';

/** How many there may be, and what becomes of them at a stop: those without a request are closed at once, the others answered first. */
export function boundConnections(fastify: FastifyInstance, most: number): void {
  const { server } = fastify;
  /** Connections without a request: some never say a word, as load balancers' checks and browsers' spare ones. */
  const idle = new Set<Socket>();
  let closing = false;
  server.maxConnections = most;
  server.on('drop', () =>
    new Logger('Http').warn(`A connection was closed at once: ${most} are open, and no more are taken`),
  );
  server.on('connection', (socket: Socket) => {
    idle.add(socket);
    socket.once('close', () => idle.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    idle.delete(socket);
    countRequest(response);
    response.once('close', () => {
      if (closing) socket.destroySoon();
      else if (!socket.destroyed) idle.add(socket);
    });
  });
  spreadRequests(fastify);
  fastify.addHook('preClose', (done) => {
    closing = true;
    for (const socket of idle) socket.destroy();
    done();
  });
  fastify.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing) void reply.header('connection', 'close');
    done();
  });
}

/** Requests that begin in one turn of the loop, some 10 ms of it: hundreds can come at once, and those under way go on between. */
const BEGIN_IN_TURN = 64;

function spreadRequests(fastify: FastifyInstance): void {
  let begun = 0;
  const waiting: (() => void)[] = [];
  const begin = (request: () => void): void => {
    if (begun === 0) void nextTurn().then(newTurn);
    if (begun++ < BEGIN_IN_TURN) request();
    else waiting.push(request);
  };
  const newTurn = (): void => {
    begun = 0;
    for (const request of waiting.splice(0)) begin(request);
  };
  fastify.addHook('onRequest', (_request, _reply, done) => begin(done));
}
