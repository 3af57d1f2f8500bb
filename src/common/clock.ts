import { Injectable } from '@nestjs/common';

/**
 * The database's time at the zero of `performance.now()`, epoch ms; null until measured. The process's monotonic clock
 * advances it, so that a step of the host's wall clock has no effect.
 */
let origin: number | null = null;
let steps = 0;
/**
 * Smaller changes of the wall clock are corrections of the network's delay; no credential's token is refused because of
 * them.
 */
export const STEP_MS = 3_000;

/**
 * The earliest plausible time: a machine without a battery starts in 1970, or at a date of its firmware. A constant,
 * because a clone that runs without a build has no other date; raise it from time to time.
 */
export const EARLIEST = Date.UTC(2026, 0, 1);

/** The host's clock, epoch ms. It can be wrong and can step at any time. */
export function hostClock(): number {
  return Date.now();
}

/**
 * Wall-clock time, epoch ms: the database's; the host's until the database's is measured (database/database-watch.ts).
 */
export function wallClock(): number {
  return origin === null ? hostClock() : origin + performance.now();
}

/** Sets the wall clock: the database's clock was `epochMs` at `at` of `performance.now()`. */
export function setWallClock(epochMs: number, at: number): void {
  if (origin !== null && Math.abs(epochMs - at - origin) > STEP_MS) steps++;
  origin = epochMs - at;
}

/** The clock for injection; tests replace it. */
@Injectable()
export class Clock {
  /** Wall-clock time, epoch ms. */
  now(): number {
    return wallClock();
  }

  /** The number of steps of the wall clock. */
  steps(): number {
    return steps;
  }

  /** Monotonic milliseconds, for durations. */
  elapsed(): number {
    return performance.now();
  }
}
