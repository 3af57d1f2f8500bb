import { Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { sql } from 'kysely';
import { EARLIEST, hostClock, setWallClock, wallClock } from '../common/clock.js';
import { MINUTE_MS, SECOND_MS } from '../common/durations.js';
import { clockAhead } from '../common/meters.js';
import { databaseOutage } from '../common/outage.js';
import type { Database } from './database.js';

const EVERY_MS = 2_000;
/** A slower answer tells little about the time and counts as trouble: one of two checks is missing then. */
const LATE_MS = 3_000;
/** Smaller corrections are noise of the network. */
const NOISE_MS = 50;
/** A larger difference of this host is logged. */
const WARN_MS = 2_000;
/** With a larger difference the host would also check TLS certificates by a wrong day, so it sends nothing. */
export const MOST_SKEW_MS = 10 * MINUTE_MS;

/** Checks the database regularly: the difference between its clock and this host's, and whether it accepts writes. */
export class DatabaseWatch implements OnModuleInit, BeforeApplicationShutdown {
  private readonly log = new Logger('Database');
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | null = null;
  /** Infinite before the first check, so that none counts as missing. */
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

  /** False while the database's clock is impossible: nothing is served, claimed or deleted then. */
  get isTimeKnown(): boolean {
    return wallClock() >= EARLIEST;
  }

  get isClockUsable(): boolean {
    return this.isTimeKnown && Math.abs(this.skewMs) <= MOST_SKEW_MS;
  }

  /** Whether the database has accepted writes for this long, as far as the checks have seen. */
  hasBeenWritable(ms: number): boolean {
    const now = performance.now();
    return now - this.troubledAt > ms && now - this.lookedAt < EVERY_MS + LATE_MS;
  }

  private async tick(): Promise<void> {
    // After a check that hung, or a pause of the process, the state in between is unknown.
    const ms = performance.now() - this.lookedAt;
    if (ms > EVERY_MS + LATE_MS) {
      this.troubledAt = performance.now();
      if (this.looking !== null) databaseOutage.failed(`no answer for ${Math.round(ms / SECOND_MS)} s`);
    }
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
      if (rows[0]!.read_only) databaseOutage.failed('it takes no writes');
      else databaseOutage.worked();
      if (after - before <= LATE_MS) this.correct(rows[0]!.now, (before + after) / 2);
    } catch (error) {
      this.lookedAt = this.troubledAt = performance.now();
      databaseOutage.failed(error);
    }
  }

  private correct(epochMs: number, at: number): void {
    const now = performance.now();
    // The leases were written before the step: processes that run renew theirs first.
    if (this.isMeasured && Math.abs(wallClock() - (epochMs + now - at)) > LATE_MS) this.troubledAt = now;
    // Also if both clocks agree: after this, a step of the host's clock has no effect.
    if (!this.isMeasured || Math.abs(wallClock() - (epochMs + now - at)) > NOISE_MS) setWallClock(epochMs, at);
    this.isMeasured = true;
    this.skewMs = hostClock() - (epochMs + now - at);
    clockAhead.set(this.skewMs / SECOND_MS);
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
