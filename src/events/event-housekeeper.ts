import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { HOUR_MS, MINUTE_MS } from '../common/durations.js';
import { Rounds } from '../common/rounds.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { RemovalGuard } from '../delivery/upkeep/removal-guard.js';
import { EventRepository } from './event.repository.js';

/** Removes old events from the feed, and tells of credentials that end. */
@Injectable()
export class EventHousekeeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rounds = new Rounds(new Logger('Events'), 'Housekeeping', () => this.tidy());
  private readonly reminders = new Rounds(new Logger('Events'), 'Telling of credentials that end', () =>
    this.events.noteEnding(),
  );

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
    private readonly events: EventRepository,
    private readonly guard: RemovalGuard,
  ) {}

  @Interval(MINUTE_MS)
  tick(): Promise<void> {
    return this.rounds.go();
  }

  @Interval(HOUR_MS)
  remind(): Promise<void> {
    return this.reminders.go();
  }

  async tidy(): Promise<void> {
    await this.guard.removeOlder(this.rounds, 'events', this.config.retention.webhookEventDays, this.events);
  }

  /** The start does not wait for it. */
  onApplicationBootstrap(): void {
    void this.reminders.go();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.rounds.end(), this.reminders.end()]);
  }
}
