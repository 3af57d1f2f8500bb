import { STEP_MS } from '../../common/clock.js';
import type { Clock } from '../../common/clock.js';
import type { LeasedBatch } from '../batch.js';
import type { Findings } from './findings.js';

/** The steps of the wall clock during an operation. A step ahead and one back again are two steps. */
export class ClockSteps {
  private now: number;
  private elapsed: number;
  /** True if there was a step. */
  any = false;

  constructor(private readonly clock: Pick<Clock, 'now' | 'elapsed'>) {
    this.now = clock.now();
    this.elapsed = clock.elapsed();
  }

  /** Ms that the clock has stepped forward since the last call; negative: back. */
  read(): number {
    const [now, elapsed] = [this.clock.now(), this.clock.elapsed()];
    const byMs = now - this.now - (elapsed - this.elapsed);
    if (Math.abs(byMs) < STEP_MS) return 0;
    [this.now, this.elapsed] = [now, elapsed];
    this.any = true;
    return byMs;
  }
}

/** After a step of the clock, planned times keep their distance from now. */
export function follow(steps: ClockSteps, { ledger }: LeasedBatch, findings: Findings): void {
  const byMs = steps.read();
  if (byMs === 0) return;
  ledger.moveRetries(byMs);
  if (findings.heldUntil !== undefined) findings.heldUntil += byMs;
  if (findings.slowUntil !== undefined) findings.slowUntil += byMs;
}
