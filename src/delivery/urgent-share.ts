import { LAST_RANK } from '../queue/jobs.js';

/**
 * Urgent batches per second of one application without a rank; they are taken before ranked ones. The same number may
 * come at once.
 */
const PER_SECOND = 200;
const AT_ONCE = 200;
/** Applications remembered; beyond this number, those that sent little are dropped. */
const MOST = 10_000;

interface Level {
  /** Batches ahead of the application's next one, as if they left at the rate. */
  ahead: number;
  /** ms. */
  at: number;
}

/**
 * Ranks of urgent batches. A one-time code is sent at once. If an application sends thousands in a moment, they are
 * ranked by the number ahead of them, so that another application's code waits for few of them. Per process: the
 * batches that it accepts or releases.
 */
export class UrgentShare {
  private readonly levels = new Map<string, Level>();

  /** `now`: ms of a monotonic clock. Undefined: before all ranked batches; otherwise 1 to LAST_RANK. */
  rankNext(applicationId: string, now: number): number | undefined {
    const { ahead } = this.add(applicationId, now);
    return ahead <= AT_ONCE ? undefined : Math.min(LAST_RANK, Math.ceil((ahead - AT_ONCE) / AT_ONCE));
  }

  private add(applicationId: string, now: number): Level {
    const level = this.levels.get(applicationId) ?? { ahead: 0, at: now };
    level.ahead = Math.max(0, level.ahead - ((now - level.at) / 1_000) * PER_SECOND) + 1;
    level.at = now;
    if (!this.levels.has(applicationId) && this.levels.size >= MOST) this.forget(now);
    this.levels.set(applicationId, level);
    return level;
  }

  private forget(now: number): void {
    for (const [id, { ahead, at }] of this.levels)
      if (ahead <= ((now - at) / 1_000) * PER_SECOND) this.levels.delete(id);
  }
}
