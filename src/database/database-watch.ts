import { Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { sql } from 'kysely';
import { EARLIEST, hostClock, setWallClock, wallClock } from '../common/clock.js';
import { MINUTE_MS } from '../common/durations.js';
import type { Database } from './database.js';

const EVERY_MS = 2_000;
/** An answer that took longer says little of the time, and is trouble: a look of two is missing then. */
const LATE_MS = 3_000;
/** Corrections below this are the network's, not the clock's. */
const NOISE_MS = 50;
/** A host this far off is told of in the log. */
const WARN_MS = 2_000;
/** Beyond this a host checks certificates of TLS by a wrong day, too: it sends nothing. */
const MOST_MS = 10 * MINUTE_MS;

/** Looks at the database: how far this host's clock is from its clock, and whether it takes writes all the while. */
export class DatabaseWatch implements OnModuleInit, BeforeApplicationShutdown {
  private readonly log = new Logger('Database');
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | null = null;
  /** Before the first look nothing is missing. */
  private lookedAt = Infinity;
  private troubledAt = -Infinity;
  private told = 0;
  private wasTimeKnown = true;
  private isMeasured = false;
  /** Ms that the host's clock is ahead of the database's. */
  skewMs = 0;

  constructor(private readonly database: Database) {}

  async onModuleInit(): Promise<void> {
    await this.look();
    this.timer = setInterval(() => void this.tick(), EVERY_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  /** False while the database's clock cannot be right: nothing is served, claimed or tidied until it is. */
  get isTimeKnown(): boolean {
    return wallClock() >= EARLIEST;
  }

  get isClockUsable(): boolean {
    return this.isTimeKnown && Math.abs(this.skewMs) <= MOST_MS;
  }

  /** Whether it has taken writes, as far as was seen, for so long. */
  hasBeenWritable(ms: number): boolean {
    const now = performance.now();
    return now - this.troubledAt > ms && now - this.lookedAt < EVERY_MS + LATE_MS;
  }

  private async tick(): Promise<void> {
    // A look that hangs, or a process that was stopped: what the others did meanwhile is not known.
    if (performance.now() - this.lookedAt > EVERY_MS + LATE_MS) this.troubledAt = performance.now();
    if (this.looking !== null) return;
    this.looking = this.look();
    await this.looking;
    this.looking = null;
  }

  private async look(): Promise<void> {
    const before = performance.now();
    try {
      const { rows } = await sql<{ now: number; read_only: boolean }>`
        select (extract(epoch from clock_timestamp()) * 1000)::float8 as now,
          current_setting('transaction_read_only') = 'on' as read_only`.execute(this.database.kysely);
      const after = performance.now();
      this.lookedAt = after;
      if (rows[0]!.read_only || after - before > LATE_MS) this.troubledAt = after;
      if (after - before <= LATE_MS) this.correct(rows[0]!.now, (before + after) / 2);
    } catch {
      this.lookedAt = this.troubledAt = performance.now();
    }
  }

  private correct(epochMs: number, at: number): void {
    const now = performance.now();
    // The leases are of the time before: those of the living are renewed first.
    if (this.isMeasured && Math.abs(wallClock() - (epochMs + now - at)) > LATE_MS) this.troubledAt = now;
    // Also where both agree: from then on a step of the host's clock moves nothing.
    if (!this.isMeasured || Math.abs(wallClock() - (epochMs + now - at)) > NOISE_MS) setWallClock(epochMs, at);
    this.isMeasured = true;
    this.skewMs = hostClock() - (epochMs + now - at);
    this.tellTime();
    if (Math.abs(this.skewMs - this.told) < WARN_MS) return;
    this.told = this.skewMs;
    const seconds = `${Math.abs(this.skewMs / 1_000).toFixed(1)} s ${this.skewMs > 0 ? 'ahead of' : 'behind'}`;
    if (Math.abs(this.skewMs) < WARN_MS) this.log.log('The clock of this host agrees with the database’s again');
    else if (this.isClockUsable) this.log.warn(`The clock of this host is ${seconds} the database’s, which is used`);
    else this.log.error(`The clock of this host is ${seconds} the database’s: nothing is sent until it is right`);
  }

  private tellTime(): void {
    if (this.isTimeKnown === this.wasTimeKnown) return;
    this.wasTimeKnown = this.isTimeKnown;
    const time = new Date(wallClock()).toISOString();
    if (this.isTimeKnown) this.log.log(`The clock of the database says ${time}: everything goes on`);
    else
      this.log.error(
        `The clock of the database says ${time}, which cannot be: nothing is served, sent or removed until it is right`,
      );
  }
}
