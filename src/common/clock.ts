import { Injectable } from '@nestjs/common';

/**
 * Of the database's clock at the zero of `performance.now()`, epoch ms; null until it was measured. The steady clock of
 * the process carries it on, so that a step of the host's wall clock moves nothing.
 */
let origin: number | null = null;
let steps = 0;
/** A change of the wall clock by less is a correction, by the network's delay; no credential's token is refused for it. */
export const STEP_MS = 3_000;

/**
 * No right clock says less: a machine without a battery starts in 1970, or at a date of its firmware. A constant, because a
 * clone that runs without a build has no other date of its own; raise it now and then.
 */
export const EARLIEST = Date.UTC(2026, 0, 1);

/** What this host's clock says, epoch ms: it may be wrong, and may step at any moment. */
export function hostClock(): number {
  return Date.now();
}

/** Wall-clock time in epoch milliseconds: the database's, or before it was measured (database/database-watch.ts) the host's. */
export function wallClock(): number {
  return origin === null ? hostClock() : origin + performance.now();
}

/** What the database's clock said at `at`, on the clock of `performance.now()`. */
export function setWallClock(epochMs: number, at: number): void {
  if (origin !== null && Math.abs(epochMs - at - origin) > STEP_MS) steps++;
  origin = epochMs - at;
}

/** The same to be injected; tests put their own in its place. */
@Injectable()
export class Clock {
  /** Of the wall clock, in epoch milliseconds. */
  now(): number {
    return wallClock();
  }

  /** How often the wall clock has stepped. */
  steps(): number {
    return steps;
  }

  /** Milliseconds of a clock that no one sets and that never steps: for durations. */
  elapsed(): number {
    return performance.now();
  }
}
