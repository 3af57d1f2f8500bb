import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseJson } from '../common/body.js';
import { ApiError } from '../common/errors.js';
import type { FormRequest } from '../common/form.js';
import { writeJson } from '../common/json.js';
import { readUtf8 } from '../common/text.js';

/** A message of 4 KB to ten thousand ids of 64 characters fits. */
export const BODY_LIMIT = 1_048_576;
/** A thousand messages of 4 KB. */
const BULK_BODY_LIMIT = 4 * BODY_LIMIT;
/** A certificate of 64 KB, a few fields, and the lines between the parts. */
const FORM_BODY_LIMIT = 131_072;

const WRONG_TYPE = 'The content type must be application/json.';
const CHARSET = /;\s*charset\s*=\s*"?([^";,\s]*)/i;

/** Bodies: JSON is parsed, everything else arrives as text, because what it is depends on the route. */
export function readBodies(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (route.method === 'POST' && route.url.endsWith('/messages/bulk')) route.bodyLimit = BULK_BODY_LIMIT;
  });
  fastify.addHook('preParsing', (request, _reply, payload, done) => done(wrongCharset(request), payload));
  fastify.setReplySerializer(writeJson);
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    settle(done, () => readJsonBody(body as Buffer)),
  );
  // A form has its bytes beside the text: reading them is left to the route.
  fastify.addContentTypeParser(
    'multipart/form-data',
    { parseAs: 'buffer', bodyLimit: FORM_BODY_LIMIT },
    (request: FormRequest, body, done) => {
      request.formBytes = body as Buffer;
      done(null, request.formBytes.toString('latin1'));
    },
  );
  // Lines are for the route that takes them as they come; elsewhere they are a wrong content type.
  fastify.addContentTypeParser(/^application\/(x-)?ndjson/, (request, payload, done) =>
    isStreamRoute(request) ? done(null, payload) : done(new ApiError('CARIL0405E', WRONG_TYPE), undefined),
  );
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) =>
    settle(done, () => readUtf8(body as Buffer)),
  );
}

function settle(done: (error: Error | null, body?: unknown) => void, read: () => unknown): void {
  let body: unknown;
  try {
    body = read();
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null, body);
}

/** Text is what bodies of other types arrive as, and no route takes a JSON string. */
function readJsonBody(bytes: Buffer): unknown {
  const text = readUtf8(bytes);
  if (text === '') return undefined;
  const value = parseJson(text);
  if (typeof value === 'string') throw new ApiError('FPWSE0004E', 'The body must be a JSON object.');
  return value;
}

/** RFC 8259 §8.1 knows no other than UTF-8, and what is read as UTF-8 and was not would be somebody else's name. */
function wrongCharset({ headers }: FastifyRequest): ApiError | null {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1];
  if (charset === undefined || /^utf-?8$/i.test(charset)) return null;
  return new ApiError('CARIL0415E', 'The charset of the body must be UTF-8.');
}

export function isStreamRoute(request: FastifyRequest): boolean {
  return (request.routeOptions.config as { takesStream?: boolean }).takesStream === true;
}
