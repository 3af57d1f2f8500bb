import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from './common/errors.js';
import type { FormRequest } from './common/form.js';
import { readJson, writeJson } from './common/json.js';
import type { Config } from './config.js';
import { buildDocument } from './openapi.js';

/** A message of 4 KB to ten thousand ids of 64 characters fits. */
const BODY_LIMIT = 1_048_576;
/** A thousand messages of 4 KB. */
const BULK_BODY_LIMIT = 4 * BODY_LIMIT;
/** An id of 255 characters may be three bytes each in a path. */
const MAX_PARAMETER = 1_024;

const WRONG_TYPE = 'The content type must be application/json.';

export function newAdapter(config: Pick<Config, 'trustedProxies'>): FastifyAdapter {
  return new FastifyAdapter({
    // Whose word about the caller's address is taken: guesses are counted by it.
    trustProxy: config.trustedProxies.length > 0 ? config.trustedProxies : false,
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

/** Bodies: JSON is parsed, everything else arrives as text, because what it is depends on the route. */
export function readBodies(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRoute', (route) => {
    if (route.method === 'POST' && route.url.endsWith('/messages/bulk')) route.bodyLimit = BULK_BODY_LIMIT;
  });
  fastify.setReplySerializer(writeJson);
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const parsed = readObject(body as string);
    if (parsed instanceof ApiError) done(parsed, undefined);
    else done(null, parsed);
  });
  // A form has its bytes beside the text: reading them is left to the route, behind its guard.
  fastify.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (request: FormRequest, body, done) => {
    request.formBytes = body as Buffer;
    done(null, request.formBytes.toString());
  });
  // Lines are for the route that takes them as they come; elsewhere they are a wrong content type.
  fastify.addContentTypeParser(/^application\/(x-)?ndjson/, (request, payload, done) =>
    isStreamRoute(request) ? done(null, payload) : done(new ApiError('CARIL0405E', WRONG_TYPE), undefined),
  );
  fastify.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  // No id has a NUL in it, and PostgreSQL takes none.
  fastify.addHook('onRequest', (request, _reply, done) =>
    done(
      request.raw.url?.includes('%00')
        ? new ApiError('FPWSE0005E', 'The address has a NUL character in it.')
        : undefined,
    ),
  );
}

function isStreamRoute(request: FastifyRequest): boolean {
  return (request.routeOptions.config as { takesStream?: boolean }).takesStream === true;
}

/** Text is what bodies of other types arrive as, and no route takes a JSON string. */
function readObject(text: string): unknown {
  if (text === '') return undefined;
  try {
    const value = readJson(text);
    return typeof value === 'string' ? new ApiError('FPWSE0004E', 'The body must be a JSON object.') : value;
  } catch (error) {
    return error instanceof ApiError ? error : new ApiError('FPWSE0004E', 'The body is not valid JSON.');
  }
}

/** OpenAPI at /imfpush/v1/swagger.json, and a page to try it at /doc/. */
export function serveDocument(app: NestFastifyApplication): void {
  SwaggerModule.setup('doc', app, () => buildDocument(app), {
    jsonDocumentUrl: 'imfpush/v1/swagger.json',
    customSiteTitle: 'Carillon',
  });
}
