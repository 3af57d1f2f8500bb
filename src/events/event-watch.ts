import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Rounds } from '../common/rounds.js';
import { EventRepository } from './event.repository.js';

/** Longest wait of a placed event for the readers of this process. One query for all of them; none without readers. */
const EVERY_MS = 250;

/** The condition of a waiting reader, after the position of the last event that was read. */
export interface Awaited {
  applicationId: string;
  types: readonly string[] | null;
  position: number;
}

interface Reader extends Awaited {
  wake: () => void;
}

/** Lets readers of the feed wait without a connection to the database. */
@Injectable()
export class EventWatch implements BeforeApplicationShutdown {
  private readonly readers = new Set<Reader>();
  private readonly rounds = new Rounds(new Logger('Events'), 'Looking for new events', () => this.look());
  /** Up to here readers were told; later events are found by the next look. */
  private seen = 0;
  private timer: NodeJS.Timeout | null = null;
  private ended = false;

  constructor(private readonly events: EventRepository) {}

  /** True while the process stops: readers are to end. */
  get isOver(): boolean {
    return this.ended;
  }

  /** Resolves at an event that the reader wants, after `ms`, at the signal, or when the process stops. */
  async wait(awaited: Awaited, ms: number, signal: AbortSignal): Promise<void> {
    // Behind: an event between its read and now may have been told to the others before it came.
    if (this.ended || signal.aborted || (this.readers.size > 0 && awaited.position < this.seen)) return;
    if (this.readers.size === 0) this.seen = awaited.position;
    await new Promise<void>((resolve) => {
      const reader: Reader = { ...awaited, wake: () => this.leave(reader, timer, signal, resolve) };
      const timer = setTimeout(reader.wake, ms);
      signal.addEventListener('abort', reader.wake);
      this.readers.add(reader);
      this.timer ??= setInterval(() => void this.rounds.go(), EVERY_MS);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.ended = true;
    for (const reader of this.readers) reader.wake();
    await this.rounds.end();
  }

  private leave(reader: Reader, timer: NodeJS.Timeout, signal: AbortSignal, resolve: () => void): void {
    clearTimeout(timer);
    signal.removeEventListener('abort', reader.wake);
    this.readers.delete(reader);
    if (this.readers.size === 0 && this.timer) {
      clearInterval(this.timer);
      this.timer = null;
    }
    resolve();
  }

  private async look(): Promise<void> {
    const { head, changes } = await this.events.newest(this.seen);
    this.seen = head;
    const changed = new Map<string, Set<string>>();
    for (const { applicationId, type } of changes) {
      const types = changed.get(applicationId);
      if (types) types.add(type);
      else changed.set(applicationId, new Set([type]));
    }
    for (const reader of this.readers) {
      const types = changed.get(reader.applicationId);
      if (types && (reader.types === null || reader.types.some((type) => types.has(type)))) reader.wake();
    }
  }
}
