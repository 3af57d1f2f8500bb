import { Logger } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { networkOf } from './ip.js';
import { Repeats } from './repeats.js';

/** Kinds of a minute; a flood from many networks is one line beyond that. */
const MOST_KINDS = 100;
const STATUSES = new Set([401, 403, 429]);

/** The guards name the client, if the credentials were good and the right was missing. */
type Refused = FastifyRequest & { authorized?: { clientId: string }; refused?: { clientId?: string } };

/**
 * Tells an operator of attacks: failed authentications, missing rights and throttling. The first refusal of a network,
 * route and status is a line, and a minute later the number of further ones. The client's id is told only if
 * it has authenticated, because people paste secrets into the field of the id.
 */
export class RefusalLog {
  private readonly log = new Logger('Refusals');
  private readonly repeats = new Repeats();

  /** `reason`: the code of the answer. */
  note(request: FastifyRequest, status: number, reason: string | undefined): void {
    if (!STATUSES.has(status) && reason !== 'invalid_client') return;
    const { headers, method, routeOptions, id: requestId, ip } = request;
    // A page or a scanner without credentials has failed at nothing.
    if (headers.authorization === undefined && headers.cookie === undefined && reason !== 'invalid_client') return;
    const { authorized, refused } = request as Refused;
    const client = authorized?.clientId ?? refused?.clientId;
    const route = `${method} ${routeOptions.url ?? 'unknown'}`;
    const network = networkOf(ip);
    const own = { msg: `Refused: ${route} ${status}`, ...{ reason, network }, ...(client !== undefined && { client }) };
    const isOne = this.repeats.size < MOST_KINDS;
    const line = isOne ? own : { msg: 'Refused: requests of further networks' };
    const tell = (count: number): void =>
      this.log.warn({ ...line, msg: `${line.msg} (${count} more in a minute)`, isBounded: true });
    const kind = isOne ? `${route} ${status} ${network}` : '';
    if (this.repeats.isFirst(kind, tell)) this.log.warn({ ...line, requestId, isBounded: true });
  }
}
