import type { FastifyInstance } from 'fastify';
import { httpRequests } from '../common/meters.js';
import type { Series } from '../common/weighted-histogram.js';
import { METHODS } from './methods.js';

/** Paths without a route: scanners ask for any number of them. */
const UNKNOWN = 'unknown';

/** Measures the answers by the pattern of their route, so that there are as many series as routes and statuses. */
export function measureRequests(fastify: FastifyInstance): void {
  const known = new Map<string, Series>();
  fastify.addHook('onResponse', (request, reply, done) => {
    const method = METHODS.includes(request.method) ? request.method : 'other';
    const route = request.routeOptions.url ?? UNKNOWN;
    const key = `${method} ${route} ${reply.statusCode}`;
    let series = known.get(key);
    if (!series) known.set(key, (series = httpRequests.of({ method, route, status: String(reply.statusCode) })));
    series.observe(reply.elapsedTime / 1_000);
    done();
  });
}
