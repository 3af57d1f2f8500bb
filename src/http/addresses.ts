import type { FastifyInstance } from 'fastify';
import { ApiError } from '../common/errors.js';
import { checkPercentEncoding } from '../common/text.js';

/** Refuses addresses with invalid bytes: a lenient decoder would turn them into the name of another resource. */
export function checkAddresses(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    try {
      checkAddress(request.raw.url ?? '');
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  });
}

/** Throws FPWSE0005E. */
export function checkAddress(url: string): void {
  // No id contains NUL, and PostgreSQL refuses NUL.
  if (url.includes('%00')) throw new ApiError('FPWSE0005E', 'The address contains a NUL character.');
  checkPercentEncoding(url, 'address');
}
