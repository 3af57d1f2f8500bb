import { Logger } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { AllowedOrigins } from './applications/allowed-origins.js';
import { AuditTrail } from './audit/audit-trail.js';
import { routedAddress } from './auth/session/ticket.js';
import { MINUTE_MS } from './common/durations.js';
import { readCertifiedKey } from './common/certified-key.js';
import type { Config } from './config.js';
import { DatabaseWatch } from './database/database-watch.js';
import { AdminPort } from './http/admin-port.js';
import { checkAddresses } from './http/addresses.js';
import { BODY_LIMIT, leaveBodies } from './http/bodies.js';
import { trustFunction, warnOfUntrustedProxy } from './http/callers.js';
import { boundConnections } from './http/connections.js';
import { answerClientError, answerFrameworkError } from './http/socket-errors.js';
import { sendHeaders } from './http/headers.js';
import { measureRequests } from './http/measure.js';
import { watchMethods } from './http/methods.js';
import { logRequests } from './http/request-log.js';
import { requestIdOf } from './http/request-id.js';
import { refuseRequests } from './http/requests.js';
import { refuseWithoutTime } from './http/time.js';
import { shareTurns } from './http/turns.js';
import { openFilesLimit } from './open-files.js';
import { buildDocument } from './openapi.js';

/** An id of 255 characters may have three bytes per character in a path. */
const MAX_PARAMETER = 1_024;
/** A connection without a byte in either direction for this long is closed; longer than any wait of a request. */
const DEAD_CONNECTION_MS = 2 * MINUTE_MS;
/** The interval in which Node looks for slow request heads. */
const LOOK_MS = 2_000;
/**
 * Files of a process besides HTTP connections: the embedded database's, and connections to databases, queues and
 * providers.
 */
const OTHER_FILES = 512;

export function newAdapter({
  trustedProxies,
  http,
  tls,
}: Pick<Config, 'trustedProxies' | 'http' | 'tls'>): FastifyAdapter {
  // Otherwise Node itself would refuse a request without Host, with an empty body.
  const own = { headersTimeout: http.headersTimeoutMs, connectionsCheckingInterval: LOOK_MS, requireHostHeader: false };
  return new FastifyAdapter({
    rewriteUrl: routedAddress,
    requestIdHeader: false,
    genReqId: requestIdOf,
    trustProxy: trustFunction(trustedProxies),
    bodyLimit: BODY_LIMIT,
    // The vendor's documents have a slash behind `/apps/`, its Windows SDK behind `/devices/`; other clients have none.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAMETER },
    ...(tls
      ? { https: { ...own, ...readCertifiedKey(tls), minVersion: 'TLSv1.2', handshakeTimeout: http.headersTimeoutMs } }
      : { http: own }),
    // No limit for an import; http/body-reader.ts limits each body.
    requestTimeout: 0,
    keepAliveTimeout: http.keepAliveTimeoutMs,
    connectionTimeout: DEAD_CONNECTION_MS,
    // At a stop, open requests are answered with `connection: close`.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerClientError,
  });
}

export interface ServerDoor {
  /** Call after all routes. */
  refuseOtherMethods: () => void;
  /** Absent: the first port serves administration, too. */
  adminPort?: AdminPort;
}

/** Sets up how requests are accepted. Call before routes are created. */
export async function openDoor(app: NestFastifyApplication, config: Config): Promise<ServerDoor> {
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  logRequests(fastify, config);
  measureRequests(fastify);
  warnOfUntrustedProxy(fastify, config);
  if (config.roles.has('api')) {
    app.get(AuditTrail).watch(fastify);
    app.get(AllowedOrigins).watch(fastify);
  }
  boundConnections(fastify, connectionsOf(config));
  const adminPort = config.adminPort !== null && config.roles.has('api') ? new AdminPort(fastify) : undefined;
  shareTurns(fastify);
  refuseRequests(fastify);
  checkAddresses(fastify);
  refuseWithoutTime(fastify, app.get(DatabaseWatch));
  leaveBodies(fastify);
  const refuseOtherMethods = watchMethods(fastify);
  await sendHeaders(app);
  return { refuseOtherMethods, adminPort };
}

/** If the process may open fewer files, the system would close further connections without an error. */
function connectionsOf({ http }: Config): number {
  const limit = openFilesLimit();
  const most = Math.min(http.maxConnections, limit - OTHER_FILES);
  if (most < http.maxConnections)
    new Logger('Http').warn(
      `HTTP_MAX_CONNECTIONS is ${http.maxConnections}, but this process may open ${limit} files: the limit is ${most} connections`,
    );
  return most;
}

/** Serves OpenAPI at /imfpush/v1/swagger.json, and a page to try the API at /doc/. */
export function serveDocument(app: NestFastifyApplication): void {
  SwaggerModule.setup('doc', app, () => buildDocument(app), {
    jsonDocumentUrl: 'imfpush/v1/swagger.json',
    customSiteTitle: 'Carillon',
    swaggerOptions: { filter: true, docExpansion: 'none' },
  });
}
