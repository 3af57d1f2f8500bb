import { ConnectionError, ErrorCode } from './frames.js';

/**
 * Limits frames that belong to no answer (PING, SETTINGS, WINDOW_UPDATE, RST_STREAM, late frames of closed streams,
 * empty DATA, unknown types): ten thousand in ten seconds, and four more for each answer.
 */
const MAX_FRAMES = 10_000;
const PERIOD_MS = 10_000;
const FRAMES_PER_ANSWER = 4;

export class NoiseBudget {
  private frames = 0;
  private since = 0;

  /** Throws ConnectionError ENHANCE_YOUR_CALM if the peer floods us. */
  spend(what: string | number): void {
    if (++this.frames <= MAX_FRAMES) return;
    const name = typeof what === 'number' ? `frames of type ${what}` : what;
    throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, `flood of ${name}`);
  }

  answered(): void {
    this.frames = this.frames > FRAMES_PER_ANSWER ? this.frames - FRAMES_PER_ANSWER : 0;
  }

  tick(now: number): void {
    if (now - this.since < PERIOD_MS) return;
    this.since = now;
    this.frames = 0;
  }
}
