import type { FastifyInstance } from 'fastify';
import { ApiError } from '../common/errors.js';
import type { DatabaseWatch } from '../database/database-watch.js';

const HEALTH = /^\/(imfpush\/v1\/)?health\//;
/** Of DatabaseWatch are two seconds between two looks. */
const RETRY_AFTER_S = '5';

/**
 * While the clock cannot be right, only questions of health are answered: tokens would be dead on arrival, and devices
 * would count as not seen for decades.
 */
export function refuseWithoutTime(fastify: FastifyInstance, watch: Pick<DatabaseWatch, 'isTimeKnown'>): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (watch.isTimeKnown || HEALTH.test(request.raw.url ?? '')) {
      done();
      return;
    }
    done(
      new ApiError('FPWSE0025E', 'The clock of the database is wrong, so that nothing is served until it is right.', {
        'retry-after': RETRY_AFTER_S,
      }),
    );
  });
}
