import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { withDeadline } from '../common/deadline.js';
import { SECOND_MS } from '../common/durations.js';
import { Rounds } from '../common/rounds.js';
import { CONFIG } from '../common/tokens.js';
import { Vault } from '../common/vault.js';
import type { Config } from '../config.js';
import { DatabaseWatch } from '../database/database-watch.js';
import { MISSING_S } from '../database/processes.js';
import { VERSION } from '../version.js';
import { ProcessRepository } from './process.repository.js';
import type { MissingRole } from './process.repository.js';

/** A third of the time after which a process counts as lost. */
const EVERY_MS = 5 * SECOND_MS;
/** A database that is away must not delay the stop. */
const END_MS = SECOND_MS;

/** Writes that this process runs, and logs when a role is missing and when it is back. */
@Injectable()
export class Presence implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('System');
  private readonly rounds = new Rounds(this.log, 'The beat of this process', () => this.beat());
  private readonly id = randomUUID();
  private told = new Set<MissingRole['role']>();

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'name' | 'roles'>,
    private readonly processes: ProcessRepository,
    private readonly vault: Vault,
    private readonly watch: DatabaseWatch,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.rounds.go();
    this.rounds.every(EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.end();
    // Without it the row counts as lost after a while.
    await withDeadline('The end of this process', END_MS, this.processes.end(this.id)).catch(() => undefined);
  }

  private async beat(): Promise<void> {
    const roles = [...this.config.roles];
    const name = this.config.name ?? roles.join(' and ');
    const identity = {
      id: this.id,
      name,
      roles,
      version: VERSION,
      host: hostname(),
      keyId: this.vault.keyId,
      zoneRules: process.versions.tz ?? 'unknown',
    };
    await this.processes.beat(identity, Math.round(this.watch.skewMs));
    this.tell(await this.processes.missing());
  }

  private tell(missing: readonly MissingRole[]): void {
    const roles = new Set(missing.map(({ role }) => role));
    for (const { role, since } of missing) {
      if (this.told.has(role)) continue;
      const last = since === null ? 'in the last hour' : `since ${since.toISOString()}`;
      this.log.error(`No ${role} has been seen ${last} (for more than ${MISSING_S} s), and something waits for one`);
    }
    for (const role of this.told) if (!roles.has(role)) this.log.log(`A ${role} runs again, or nothing waits for one`);
    this.told = roles;
  }
}
