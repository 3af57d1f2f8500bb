import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { MINUTE_MS } from '../common/durations.js';
import { Rounds } from '../common/rounds.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { RemovalGuard } from '../delivery/upkeep/removal-guard.js';
import { WebhookReplayRepository } from './webhook-replay.repository.js';

/** A round that finds nothing makes two index look-ups. */
const EVERY_MS = MINUTE_MS;

/** Removes events that were kept for a replay. */
@Injectable()
export class WebhookHousekeeper implements BeforeApplicationShutdown {
  private readonly rounds = new Rounds(new Logger('Webhooks'), 'Housekeeping', () => this.tidy());

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
    private readonly events: WebhookReplayRepository,
    private readonly guard: RemovalGuard,
  ) {}

  @Interval(EVERY_MS)
  tick(): Promise<void> {
    return this.rounds.go();
  }

  /** At 0 days too: an earlier setting may have kept events. */
  async tidy(): Promise<void> {
    await this.guard.removeOlder(this.rounds, 'webhook events', this.config.retention.webhookEventDays, this.events);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }
}
