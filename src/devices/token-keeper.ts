import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { MINUTE_MS } from '../common/durations.js';
import { Rounds } from '../common/rounds.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
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
      const step = await this.passes.step((provider, token) => {
        const identified = this.providers[provider].identify(token);
        return 'identity' in identified ? identified.identity : undefined;
      });
      ended += step?.ended ?? 0;
      return step !== null;
    });
    if (ended > 0)
      this.log.log(`${ended} registrations ended, because newer ones have the same token in another spelling`);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }
}
