import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Config } from './config.js';
import { checkAddresses } from './http/addresses.js';
import { BODY_LIMIT, readBodies } from './http/bodies.js';
import { trustFunction, warnOfUntrustedProxy } from './http/callers.js';
import { buildDocument } from './openapi.js';

/** An id of 255 characters may be three bytes each in a path. */
const MAX_PARAMETER = 1_024;

export function newAdapter(config: Pick<Config, 'trustedProxies'>): FastifyAdapter {
  return new FastifyAdapter({
    trustProxy: trustFunction(config.trustedProxies),
    bodyLimit: BODY_LIMIT,
    // The vendor addresses /apps/ and its Windows SDK posts to /devices/; others leave the slash away.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAMETER },
    // Requests under way at a stop are answered; the connection says that it closes.
    forceCloseConnections: 'idle',
    // What fails before a route is found does not pass the error filter.
    frameworkErrors: (_error: unknown, _request: unknown, reply: FastifyReply) => {
      void reply.status(400).send({ code: 'FPWSE0004E', message: 'The address is not a valid URL.' });
    },
  });
}

/** How requests come in, for every route. */
export function openDoor(app: NestFastifyApplication, config: Config): void {
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  warnOfUntrustedProxy(fastify, config);
  checkAddresses(fastify);
  readBodies(fastify);
}

/** OpenAPI at /imfpush/v1/swagger.json, and a page to try it at /doc/. */
export function serveDocument(app: NestFastifyApplication): void {
  SwaggerModule.setup('doc', app, () => buildDocument(app), {
    jsonDocumentUrl: 'imfpush/v1/swagger.json',
    customSiteTitle: 'Carillon',
  });
}
