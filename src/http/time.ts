import type { FastifyInstance } from 'fastify';
import { ApiError } from '../common/errors.js';
import type { DatabaseWatch } from '../database/database-watch.js';

/** Probes come every few seconds, to every process. */
export const HEALTH = /^\/(imfpush\/v1\/)?health\//;
/** Seconds; DatabaseWatch looks every two seconds. */
const RETRY_AFTER_S = '5';

/**
 * While the clock is wrong, only health requests are answered: tokens would be invalid at once, and devices would count
 * as not seen for decades.
 */
export function refuseWithoutTime(fastify: FastifyInstance, watch: Pick<DatabaseWatch, 'isTimeKnown'>): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (watch.isTimeKnown || HEALTH.test(request.raw.url ?? '')) {
      done();
      return;
    }
    done(
      new ApiError('FPWSE0025E', 'The clock of the database is wrong; requests are refused until it is right.', {
        'retry-after': RETRY_AFTER_S,
      }),
    );
  });
}
