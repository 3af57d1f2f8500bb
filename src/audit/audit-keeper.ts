import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../common/durations.js';
import { Rounds } from '../common/rounds.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { RemovalGuard } from '../delivery/upkeep/removal-guard.js';
import { ChainRepository } from './chain.repository.js';

/** The time for which an event is in no chain; a round without new events is one look at an empty index. */
const CHAIN_EVERY_MS = SECOND_MS;
const FOLD_EVERY_MS = HOUR_MS;

/** Keeps the chain of the audit, in the role `scheduler`; of several processes one works at a time. */
@Injectable()
export class AuditKeeper implements BeforeApplicationShutdown {
  private readonly log = new Logger('Audit');
  private readonly chaining = new Rounds(this.log, 'Chaining the audit', () => this.chain());
  private readonly folding = new Rounds(this.log, 'Removing old events of the audit', () => this.fold());

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'audit'>,
    private readonly chains: ChainRepository,
    private readonly guard: RemovalGuard,
  ) {}

  @Interval(CHAIN_EVERY_MS)
  tick(): Promise<void> {
    return this.chaining.go();
  }

  @Interval(FOLD_EVERY_MS)
  tidy(): Promise<void> {
    return this.folding.go();
  }

  async chain(): Promise<void> {
    await this.chaining.repeat(() => this.chains.chainSome());
  }

  /** By whole days in UTC, so that a day's events go at once and leave one event. */
  async fold(): Promise<void> {
    const { retentionDays } = this.config.audit;
    const age = retentionDays > 0 ? await this.guard.look() : null;
    if (age === null) return;
    const before = new Date(Math.floor(age.now / DAY_MS - retentionDays) * DAY_MS);
    await this.folding.repeat(() => this.chains.fold(before));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.chaining.end();
    await this.folding.end();
  }
}
