import { Logger } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { MINUTE_MS } from './common/durations.js';
import type { Config } from './config.js';
import { DatabaseWatch } from './database/database-watch.js';
import { checkAddresses } from './http/addresses.js';
import { BODY_LIMIT, leaveBodies } from './http/bodies.js';
import { trustFunction, warnOfUntrustedProxy } from './http/callers.js';
import { boundConnections } from './http/connections.js';
import { answerClientError, answerFrameworkError } from './http/socket-errors.js';
import { sendHeaders } from './http/headers.js';
import { watchMethods } from './http/methods.js';
import { refuseRequests } from './http/requests.js';
import { refuseWithoutTime } from './http/time.js';
import { shareTurns } from './http/turns.js';
import { openFilesLimit } from './open-files.js';
import { buildDocument } from './openapi.js';

/** An id of 255 characters may be three bytes each in a path. */
const MAX_PARAMETER = 1_024;
/** Without a byte in either direction: longer than anything that a request waits for. */
const DEAD_CONNECTION_MS = 2 * MINUTE_MS;
/** How often Node looks for heads that take too long. */
const LOOK_MS = 2_000;
/** Of a process: the embedded database's, connections to databases, queues and providers. */
const OTHER_FILES = 512;

export function newAdapter({ trustedProxies, http }: Pick<Config, 'trustedProxies' | 'http'>): FastifyAdapter {
  return new FastifyAdapter({
    trustProxy: trustFunction(trustedProxies),
    bodyLimit: BODY_LIMIT,
    // The vendor addresses /apps/ and its Windows SDK posts to /devices/; others leave the slash away.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAMETER },
    // Node would answer a request without Host itself, and without a body.
    http: { headersTimeout: http.headersTimeoutMs, connectionsCheckingInterval: LOOK_MS, requireHostHeader: false },
    // An import takes as long as it takes: http/body-reader.ts bounds each body.
    requestTimeout: 0,
    keepAliveTimeout: http.keepAliveTimeoutMs,
    connectionTimeout: DEAD_CONNECTION_MS,
    // Requests under way at a stop are answered; the connection says that it closes.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerClientError,
  });
}

/** How requests come in, for every route. Before the routes are made; the answer is to be called when they are. */
export async function openDoor(app: NestFastifyApplication, config: Config): Promise<() => void> {
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  warnOfUntrustedProxy(fastify, config);
  boundConnections(fastify, connectionsOf(config));
  shareTurns(fastify);
  refuseRequests(fastify);
  checkAddresses(fastify);
  refuseWithoutTime(fastify, app.get(DatabaseWatch));
  leaveBodies(fastify);
  const refuseOtherMethods = watchMethods(fastify);
  await sendHeaders(app);
  return refuseOtherMethods;
}

/** Where the process may open fewer files, the system would close further connections without a word. */
function connectionsOf({ http }: Config): number {
  const limit = openFilesLimit();
  const most = Math.min(http.maxConnections, limit - OTHER_FILES);
  if (most < http.maxConnections)
    new Logger('Http').warn(
      `HTTP_MAX_CONNECTIONS is ${http.maxConnections}, and this process may open ${limit} files: ${most} connections are taken`,
    );
  return most;
}

/** OpenAPI at /imfpush/v1/swagger.json, and a page to try it at /doc/. */
export function serveDocument(app: NestFastifyApplication): void {
  SwaggerModule.setup('doc', app, () => buildDocument(app), {
    jsonDocumentUrl: 'imfpush/v1/swagger.json',
    customSiteTitle: 'Carillon',
  });
}
