import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { DAY_MS } from '../common/durations.js';
import { Rounds } from '../common/rounds.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { ofSecret } from './problems.js';
import { SystemRepository } from './system.repository.js';

/** Writes a line for each secret of a client that ends soon: at the start of a scheduler, and once a day. */
@Injectable()
export class SecretWarnings implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Auth');
  private readonly rounds = new Rounds(this.log, 'Looking for secrets that end', () => this.look());

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'roles'>,
    private readonly rows: SystemRepository,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.roles.has('scheduler')) return;
    this.rounds.every(DAY_MS);
    await this.rounds.go();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }

  private async look(): Promise<void> {
    for (const secret of await this.rows.endingSecrets()) {
      const { message, next } = ofSecret(secret);
      this.log.warn(`${message} ${next}`);
    }
  }
}
