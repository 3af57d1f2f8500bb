import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

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
    response.once('close', () => {
      if (closing) socket.destroySoon();
      else if (!socket.destroyed) idle.add(socket);
    });
  });
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
