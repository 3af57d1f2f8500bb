import type { FastifyInstance } from 'fastify';
import { ApiError } from '../common/errors.js';
import { checkPercentEncoding } from '../common/text.js';

/** Refuses addresses with bytes in them that name nothing: what is left of them after a lenient decoder would name another. */
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
  // No id has a NUL in it, and PostgreSQL takes none.
  if (url.includes('%00')) throw new ApiError('FPWSE0005E', 'The address has a NUL character in it.');
  checkPercentEncoding(url, 'address');
}
