import type { FastifyInstance, FastifyRequest } from 'fastify';
import { writeJson } from '../common/json.js';

/** Enough for a message of 4 KB to ten thousand ids of 64 characters. */
export const BODY_LIMIT = 1_048_576;
/** A thousand messages of 4 KB. */
const BULK_LIMIT = 4 * BODY_LIMIT;
/**
 * Twice the longest form (auth/token-form.ts). The az endpoints read their forms before the caller
 * is authenticated.
 */
const AZ_LIMIT = 32_768;
/** How long the rest of an unread body is discarded: a caller that still sends would not read its answer. */
const LINGER_MS = 1_000;
/** Bytes of an unread body that are discarded between two pauses, in which other requests have their turns. */
const DRAIN_BYTES = 65_536;
const DRAIN_PAUSE_MS = 4;
/**
 * Bodies that are discarded at once: each takes 64 KB of a turn of the loop. Further bodies are not read until the
 * connection is closed.
 */
const DRAINS = 32;

/** Leaves bodies unread until the interceptor reads them, and closes connections with unread bodies. */
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
  let drains = 0;
  const closeUnlessRead = ({ raw }: FastifyRequest): void => {
    const { socket } = raw;
    if (socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    const isDrained = drains < DRAINS;
    if (isDrained) drains++;
    let discarded = 0;
    const discard = (piece: Buffer): void => {
      discarded += piece.length;
      if (discarded < DRAIN_BYTES) return;
      discarded = 0;
      raw.pause();
      setTimeout(() => raw.resume(), DRAIN_PAUSE_MS);
    };
    const end = (): void => {
      raw.off('end', end).off('data', discard);
      socket.off('close', end);
      clearTimeout(timer);
      if (isDrained) drains--;
    };
    raw.once('end', end);
    // After the answer only the socket reports a lost connection.
    socket.once('close', end);
    if (isDrained) raw.on('data', discard).resume();
    // A listener detaches the socket from Node's parser, which would read even a paused socket.
    else socket.on('data', () => undefined).pause();
  };
  // Expect: 100-continue is answered when the body is read.
  fastify.server.on('checkContinue', (request, response) => fastify.server.emit('request', request, response));
}
