import { ApiError } from '../common/errors.js';
import { ITSELF } from './audit.repository.js';
import type { Actor } from './audit.repository.js';
import type { Client } from './client.js';
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
