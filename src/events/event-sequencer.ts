import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Rounds } from '../common/rounds.js';
import { EventRepository } from './event.repository.js';

/** Longest wait of a committed event for its position; a look that finds nothing reads one index entry. */
const EVERY_MS = 250;

/** Gives committed events their positions. Each worker looks; the lock of one row lets one at a time do it. */
@Injectable()
export class EventSequencer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rounds = new Rounds(new Logger('Events'), 'Giving positions to events', () => this.place());

  constructor(private readonly events: EventRepository) {}

  onApplicationBootstrap(): void {
    this.rounds.every(EVERY_MS);
  }

  private place(): Promise<void> {
    return this.rounds.repeat(async () => (await this.events.place()) > 0);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }
}
