import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { ownLine } from '../common/own-line.js';
import { StartError } from '../common/start-error.js';
import { CONFIG } from '../common/tokens.js';
import { logsJson } from '../config.js';
import type { Config } from '../config.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { inTransaction } from '../database/transaction.js';
import { ITSELF } from './audit.repository.js';
import { ChangeFeed } from './change-feed.js';
import { NO_LIMITS, liveSecrets, mayAdminister } from './client.js';
import { NO_KEYS } from './client-keys.js';
import { ClientRepository } from './client.repository.js';
import type { ClientChanges } from './client.repository.js';
import { PREDEFINED_CLIENTS } from './predefined-clients.js';
import { hashSecret, matchesHash, newSecret } from './secret.js';

interface FirstClient {
  id: string;
  secret: string;
  allowedScope: string;
}

/** `admin` is taken: MobileFirst's predefined client of this id has no rights of administration here. */
const GENERATED_ID = 'administrator';

/** Creates the clients that must exist at start; processes that start at once do so one after another. */
@Injectable()
export class FirstClients implements OnApplicationBootstrap {
  private readonly log = new Logger('Auth');

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'environment' | 'hasSamples' | 'adminClient'>,
    @Inject(DATABASE) private readonly database: Database,
    private readonly clients: ClientRepository,
    private readonly feed: ChangeFeed,
    private readonly clock: Clock,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (this.config.environment === 'production') await this.refusePredefined();
    if (this.config.hasSamples) await this.addPredefined();
    await this.addFromSettings();
    if (!this.config.hasSamples) await this.addGenerated();
    await this.feed.refresh();
  }

  /** Only into an empty registry: a client that a developer deletes stays deleted. */
  private async addPredefined(): Promise<void> {
    if ((await this.clients.list()).length > 0) return;
    await this.addTogether(PREDEFINED_CLIENTS, (known) => known.size === 0);
  }

  private async addFromSettings(): Promise<void> {
    const { adminClient } = this.config;
    if (!adminClient || (await this.clients.list()).some(({ id }) => id === adminClient.id)) return;
    if (await this.addTogether([{ ...adminClient, allowedScope: '*' }], (known) => !known.has(adminClient.id)))
      this.log.log(`Confidential client ${adminClient.id} created from ADMIN_CLIENT_ID`);
  }

  private async addGenerated(): Promise<void> {
    if ((await this.clients.list()).some(mayAdminister)) return;
    const secret = newSecret();
    const client = { id: GENERATED_ID, secret, allowedScope: '*' };
    const added = await this.addTogether([client], (known) => ![...known.values()].some(mayAdminister));
    // Not through the logger: logs are stored and forwarded.
    const text = `Administrator made, shown this once: id ${GENERATED_ID} secret ${secret}`;
    if (added) process.stdout.write(ownLine(logsJson(), 'info', text));
  }

  /** Hashes first; the transaction then checks whether the clients are still needed. */
  private async addTogether(
    clients: readonly FirstClient[],
    stillWanted: (known: ReadonlyMap<string, Awaited<ReturnType<ClientChanges['list']>>[number]>) => boolean,
  ): Promise<boolean> {
    const hashes = await Promise.all(clients.map(({ secret }) => hashSecret(secret)));
    return inTransaction(this.database, async (tx) => {
      const changes = await this.clients.beginChange(ITSELF, tx);
      const known = new Map((await changes.list()).map((client) => [client.id, client]));
      if (!stillWanted(known)) return false;
      for (const [index, { id, allowedScope }] of clients.entries()) {
        if (known.has(id))
          throw new StartError(
            `No client may administer and the id ${id} is taken: set ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET`,
          );
        await changes.add(
          id,
          { displayName: id, allowedScope, enabled: true, certificateBound: false, ...NO_LIMITS, ...NO_KEYS },
          { hash: hashes[index] ?? '', expiresAt: null },
        );
      }
      return true;
    });
  }

  private async refusePredefined(): Promise<void> {
    const known = await this.clients.list();
    const alive: string[] = [];
    for (const { id, secret } of PREDEFINED_CLIENTS) {
      const client = known.find((candidate) => candidate.id === id && candidate.enabled);
      for (const { hash } of client ? liveSecrets(client, this.clock.now()) : [])
        if (await matchesHash(secret, hash)) alive.push(id);
    }
    if (alive.length > 0)
      throw new StartError(
        `NODE_ENV=production refuses to start while clients have their development secrets: ${alive.join(', ')}`,
      );
  }
}
