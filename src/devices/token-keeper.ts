import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { MINUTE_MS } from '../common/durations.js';
import { Rounds } from '../common/rounds.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { inTransaction } from '../database/transaction.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import { hashOf } from './device-registration.repository.js';
import { TokenPassRepository } from './token-pass.repository.js';

/** An idle round costs one look at an empty table. */
const EVERY_MS = MINUTE_MS;

/** Converts devices registered by an older version to the identities of their tokens, in the background. */
@Injectable()
export class TokenKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('TokenKeeper');
  private readonly rounds = new Rounds(this.log, 'Comparing tokens by what they mean', () => this.renew());

  constructor(
    @Inject(PROVIDERS) private readonly providers: Providers,
    @Inject(DATABASE) private readonly database: Database,
    private readonly passes: TokenPassRepository,
  ) {}

  onApplicationBootstrap(): void {
    void this.tick();
  }

  @Interval(EVERY_MS)
  tick(): Promise<void> {
    return this.rounds.go();
  }

  async renew(): Promise<void> {
    let ended = 0;
    await this.rounds.repeat(async () => {
      const step = await this.renewSome();
      ended += step ?? 0;
      return step !== null;
    });
    if (ended > 0)
      this.log.log(`${ended} registrations ended, because newer ones have the same token in another spelling`);
  }

  /**
   * One transaction. Returns how many registrations ended; null: no pass is left. If a provider cannot send to a token,
   * the device stays as it is.
   */
  renewSome(): Promise<number | null> {
    return inTransaction(this.database, async (tx) => {
      const page = await this.passes.takePage(tx);
      if (!page) return null;
      const stale = page.flatMap(({ seq, provider, token, before }) => {
        const identified = this.providers[provider].identify(token);
        const hash = 'identity' in identified ? hashOf(identified.identity).toString('hex') : before;
        return hash === before ? [] : [{ seq, before, hash }];
      });
      return stale.length > 0 ? this.passes.renew(stale, tx) : 0;
    });
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }
}
