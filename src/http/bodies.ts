import type { FastifyInstance, FastifyRequest } from 'fastify';
import { writeJson } from '../common/json.js';

/** A message of 4 KB to ten thousand ids of 64 characters fits. */
export const BODY_LIMIT = 1_048_576;
/** A thousand messages of 4 KB. */
const BULK_LIMIT = 4 * BODY_LIMIT;
/** Twice the longest form (auth/form.ts): the az endpoints read theirs before the caller has shown a secret. */
const AZ_LIMIT = 32_768;
/** How long the rest of a body that nobody reads is thrown away: a caller that still sends would not read its answer. */
const LINGER_MS = 1_000;

/** Leaves bodies on the wire until the interceptor reads them, and ends what nobody reads. */
export function leaveBodies(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (route.method === 'POST' && route.url.endsWith('/messages/bulk')) route.bodyLimit = BULK_LIMIT;
    if (route.url.includes('/api/az/')) route.bodyLimit = AZ_LIMIT;
  });
  fastify.setReplySerializer(writeJson);
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  fastify.addHook('onResponse', (request, _reply, done) => {
    if (!request.raw.complete) closeUnlessRead(request);
    done();
  });
  // Leave to send a body is given when it is read.
  fastify.server.on('checkContinue', (request, response) => fastify.server.emit('request', request, response));
}

function closeUnlessRead({ raw }: FastifyRequest): void {
  const timer = setTimeout(() => raw.socket.destroy(), LINGER_MS);
  raw.once('close', () => clearTimeout(timer)).resume();
}
