import { ApiError } from '../common/errors.js';
import { ITSELF } from './audit.repository.js';
import type { Actor } from './audit.repository.js';
import { ADMINISTRATION } from './client.js';
import type { Client, ClientLimits } from './client.js';
import { covers, parseScope } from './scope.js';
import { beyond } from './roles.js';

/** What an administrator may change: clients whose allowed scope, before and after, its own covers. */
export class Reach {
  private readonly own: string;

  constructor(
    private readonly actor: Actor,
    clients: ReadonlyMap<string, Client>,
  ) {
    const client = clients.get(actor.clientId);
    // Disabled or deleted since the request was let in: it grants nothing more.
    this.own = actor === ITSELF ? '*' : client?.enabled ? client.allowedScope : '';
  }

  /** A limit, its own too, is changed by mfpadmin alone: a deployer would free itself of what keeps it in bounds. Throws CARIL0403E. */
  checkLimits(id: string, before: ClientLimits, after: ClientLimits): void {
    const same =
      before.requestsPerSecond === after.requestsPerSecond && before.concurrentRequests === after.concurrentRequests;
    if (same || covers(parseScope(this.own) ?? [], [ADMINISTRATION])) return;
    throw new ApiError(
      'CARIL0403E',
      `requestsPerSecond and concurrentRequests of the client ${id} are changed by clients whose allowed scope covers ${ADMINISTRATION}.`,
    );
  }

  /** Throws CARIL0403E. */
  check({ id, allowedScope }: Pick<Client, 'id' | 'allowedScope'>): void {
    const missing = beyond(this.own, allowedScope);
    if (missing.length > 0)
      throw new ApiError(
        'CARIL0403E',
        `The allowed scope of ${this.actor.clientId} does not cover ${missing.join(' ')}, which the client ${id} has or would have.`,
      );
  }
}
