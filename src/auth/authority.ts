import { ApiError } from '../common/errors.js';
import { ITSELF } from './audit.repository.js';
import type { Actor } from './audit.repository.js';
import { ADMINISTRATION } from './client.js';
import type { Client, ClientLimits } from './client.js';
import { covers, parseScope } from './scope.js';
import { beyond } from './roles.js';

/**
 * The changes that an administrator may make: its own allowed scope has to cover the client's allowed scope before and
 * after.
 */
export class Authority {
  /** Scopes; one of them has to cover a change whole. */
  private readonly own: readonly string[];

  constructor(
    private readonly actor: Actor,
    clients: ReadonlyMap<string, Client>,
  ) {
    const client = clients.get(actor.clientId);
    // A client that was disabled or deleted after its request began has no rights.
    this.own =
      actor === ITSELF
        ? ['*']
        : (actor.grants?.map((grant) => grant.join(' ')) ?? [client?.enabled ? client.allowedScope : '']);
  }

  /**
   * Only mfpadmin changes limits, its own included: otherwise a deployer could raise its own limit. Throws CARIL0403E.
   */
  checkLimits(id: string, before: ClientLimits, after: ClientLimits): void {
    const same =
      before.requestsPerSecond === after.requestsPerSecond && before.concurrentRequests === after.concurrentRequests;
    if (same || this.own.some((scope) => covers(parseScope(scope) ?? [], [ADMINISTRATION]))) return;
    throw new ApiError(
      'CARIL0403E',
      `requestsPerSecond and concurrentRequests of the client ${id} can be changed only by clients whose allowed scope covers ${ADMINISTRATION}.`,
    );
  }

  /** Throws CARIL0403E. */
  check({ id, allowedScope }: Pick<Client, 'id' | 'allowedScope'>): void {
    const [missing = []] = this.own.map((scope) => beyond(scope, allowedScope)).toSorted((a, b) => a.length - b.length);
    if (missing.length > 0)
      throw new ApiError(
        'CARIL0403E',
        `The allowed scope of ${this.actor.clientId} does not cover ${missing.join(' ')}, which the client ${id} has or would have.`,
      );
  }
}
