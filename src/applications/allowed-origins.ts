import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApplicationsService } from './applications.service.js';

const APPLICATION = '/imfpush/v1/apps/:applicationId';
/** The routes that take a device token or a receipt token. */
const ROUTES = new Set(
  [
    '/devices',
    '/devices/:deviceId',
    '/subscriptions',
    '/messages/:messageId',
    '/messages/:messageId/receipts',
    '/messages/:messageId/receipts/bulk',
  ].map((path) => APPLICATION + path),
);
/** Seconds that a browser remembers the answer to its question. */
const REMEMBERED_S = 600;

/**
 * Lets pages of the application's allowed origins read the answers of these routes (the Fetch standard's CORS
 * protocol). Tokens are in a header that a page sets itself, so answers never allow cookies.
 */
@Injectable()
export class AllowedOrigins {
  constructor(private readonly applications: ApplicationsService) {}

  /** Call before the routes are created. A request without Origin, which every server sends, costs nothing. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, reply, done) => {
      const { origin } = request.headers;
      if (origin === undefined || !ROUTES.has(request.routeOptions.url ?? '')) return done();
      // If the application cannot be read, the route says why.
      this.answer(request, reply, origin).then(
        () => done(),
        () => done(),
      );
    });
  }

  private async answer({ params, method }: FastifyRequest, reply: FastifyReply, origin: string): Promise<void> {
    const { applicationId } = params as { applicationId: string };
    void reply.header('vary', 'Origin');
    const { allowedOrigins } = await this.applications.getApplication(applicationId);
    if (!allowedOrigins.includes(origin)) return;
    void reply.header('access-control-allow-origin', origin);
    void reply.header('access-control-expose-headers', 'Retry-After, X-Request-Id');
    if (method !== 'OPTIONS') return;
    void reply.header('access-control-allow-methods', 'GET, POST, PUT, DELETE');
    void reply.header('access-control-allow-headers', 'Authorization, Content-Type');
    void reply.header('access-control-max-age', String(REMEMBERED_S));
  }
}
