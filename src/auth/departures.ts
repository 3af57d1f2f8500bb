import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { AuditRepository } from './audit.repository.js';
import type { Actor } from './audit.repository.js';
import { ClientRepository } from './client.repository.js';
import { PLANTED } from './planted.js';
import type { Planted, PlantedKind } from './planted.js';
import { beyond } from './roles.js';

/** The longest time for which a request stops messages; the answer reports the remaining ones. A request has 15 s. */
const STOP_MS = 8_000;
/** The number of applications in one answer. */
const MAX_APPLICATIONS = 100;

type Count = Pick<Planted, 'count' | 'ids'>;

/** Campaigns and messages that a deleted or disabled client leaves in one application. */
export interface LeftBehind {
  clientId: string;
  applicationId: string;
  campaigns: Count;
  messages: Count;
  /** With `stopMessages`: the numbers of stopped ones. */
  stopped?: { campaigns: number; messages: number };
}

export interface Departure {
  planted: LeftBehind[];
  /** The number of applications that the answer omits. */
  more?: number;
}

/**
 * A deleted or disabled client can no longer call; its campaigns and messages continue until an administrator stops
 * them.
 */
@Injectable()
export class Departures {
  constructor(
    @Inject(PLANTED) private readonly kinds: readonly PlantedKind[],
    private readonly clients: ClientRepository,
    private readonly audit: AuditRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Runs a change of the registry, which returns the ids of the clients that it deletes or disables, and lists their
   * campaigns and messages. With `stop` they are also stopped, in the applications that the actor's allowed scope
   * covers.
   */
  async settle(actor: Actor, stop: boolean, change: () => Promise<readonly string[]>): Promise<Departure> {
    // Read before the change: administrators can delete themselves.
    const own = stop ? await this.allowedScopesOf(actor) : [];
    const left = await this.list(await change());
    const told = left.slice(0, MAX_APPLICATIONS);
    if (stop) await this.stop(actor, own, told);
    return { planted: told, ...(left.length > told.length && { more: left.length - told.length }) };
  }

  private async allowedScopesOf({ clientId, grants }: Actor): Promise<string[]> {
    if (grants) return grants.map((grant) => grant.join(' '));
    const client = (await this.clients.list()).find(({ id }) => id === clientId);
    return client?.enabled ? [client.allowedScope] : [];
  }

  private async list(clientIds: readonly string[]): Promise<LeftBehind[]> {
    if (clientIds.length === 0) return [];
    const found = new Map<string, LeftBehind>();
    for (const kind of this.kinds)
      for (const { clientId, applicationId, count, ids } of await kind.list(clientIds)) {
        const key = JSON.stringify([clientId, applicationId]);
        const entry = found.get(key) ?? { clientId, applicationId, campaigns: none(), messages: none() };
        found.set(key, { ...entry, [kind.kind]: { count, ids } });
      }
    return [...found.values()];
  }

  private async stop(actor: Actor, own: readonly string[], planted: readonly LeftBehind[]): Promise<void> {
    const deadline = this.clock.elapsed() + STOP_MS;
    for (const entry of planted) {
      const { clientId, applicationId } = entry;
      const needed = `campaigns.write messages.write push.application.${applicationId}`;
      if (!own.some((scope) => beyond(scope, needed).length === 0)) continue;
      // Recorded before the first is stopped, so that the audit log has it if this process dies.
      const detail = { applicationId, campaigns: entry.campaigns.count, messages: entry.messages.count };
      await this.audit.record(actor, { action: 'client.stop_messages', subject: clientId, detail });
      const stopped = { campaigns: 0, messages: 0 };
      entry.stopped = stopped;
      for (const kind of this.kinds)
        while (this.clock.elapsed() < deadline) {
          const some = await kind.stopSome(clientId, applicationId, `the client ${clientId} was deleted or disabled`);
          if (some === 0) break;
          stopped[kind.kind] += some;
        }
    }
  }
}

function none(): Count {
  return { count: 0, ids: [] };
}
