import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/**
 * Limits the number of connections. At a stop, idle connections are closed at once and the others after their answers.
 */
export function boundConnections(fastify: FastifyInstance, most: number): void {
  const { server } = fastify;
  /** Connections without a request; load balancers' checks and browsers open some that never send any. */
  const idle = new Set<Socket>();
  let closing = false;
  server.maxConnections = most;
  server.on('drop', () =>
    new Logger('Http').warn(`A connection was closed at once: the limit of ${most} open connections is reached`),
  );
  // A handshake ends after its own time.
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
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
