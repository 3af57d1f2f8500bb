import type { FastifyInstance } from 'fastify';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { ApiError } from '../common/errors.js';
import { documentPath } from './document-path.js';
import { PUBLIC_ROUTES } from './public-routes.js';

/**
 * A second port for administration, which serves everything, while the first port answers 404 on the routes that are
 * not public. Connections are handed to the server of the first port, so that TLS, time-outs and limits are the same.
 */
export class AdminPort {
  private readonly listener;
  private port = -1;

  /** Call before the routes are created. */
  constructor(private readonly fastify: FastifyInstance) {
    const { server } = fastify;
    this.listener = createServer({ allowHalfOpen: !(server instanceof TlsServer), noDelay: true }, (socket) =>
      server.emit('connection', socket),
    );
    fastify.addHook('onRoute', (route) => {
      const methods = PUBLIC_ROUTES[documentPath(route.url)] ?? [];
      const isRefusal = route.config !== undefined && 'refuses' in route.config;
      const served = [route.method].flat().map((method) => (method === 'HEAD' ? 'GET' : method));
      if (isRefusal ? methods.length > 0 : served.some((method) => methods.includes(method))) return;
      route.onRequest = ({ socket }, _reply, done) =>
        done(socket.localPort === this.port ? undefined : new ApiError('FPWSE0001E', NOT_FOUND));
    });
    let closed: Promise<unknown> | undefined;
    fastify.addHook('preClose', (done) => {
      if (this.listener.listening) closed = once(this.listener.close(), 'close');
      done();
    });
    fastify.addHook('onClose', async () => void (await closed));
  }

  /** Returns the port: `wanted`, or with 0 a free one. */
  async listen(host: string, wanted: number): Promise<number> {
    this.listener.maxConnections = this.fastify.server.maxConnections;
    this.listener.listen(wanted, host);
    await once(this.listener, 'listening');
    this.port = (this.listener.address() as AddressInfo).port;
    return this.port;
  }
}

/** As for every path without a route. */
const NOT_FOUND = 'Not found: this path does not exist.';
