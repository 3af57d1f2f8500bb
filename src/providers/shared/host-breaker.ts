import { MINUTE_MS } from '../../common/durations.js';
import type { Verdict } from '../provider.js';

/** Failures in a row, without a success between them, that open the breaker. */
const FAILURES = 20;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = MINUTE_MS;
/** After the credentials were refused. */
const FIRST_REFUSAL_MS = 30_000;
/** A host that asks for a longer wait is probed after this time. */
const LONGEST_ORDERED_WAIT_MS = 10 * MINUTE_MS;
/** Longer than any request may take, including its repeats. */
const PROBE_MS = MINUTE_MS;
/** Hosts that one sender remembers. Only Web Push has more than one. */
const HOSTS = 256;

/**
 * The circuit breaker of one host for one application. While it is open, nothing is written and deliveries wait in
 * their batch; then one delivery is let through, and its verdict closes the breaker or doubles the wait. Not shared
 * between applications: a host that hangs up on one certificate looks like a host that is down.
 */
export class HostBreaker {
  private failures = 0;
  private openUntil = 0;
  private waitMs = FIRST_WAIT_MS;
  /** The last wait after a refusal; 0: none. */
  private refusalMs = 0;
  /** A probe is under way until then; 0: none. A probe that takes longer counts as lost. */
  private probeUntil = 0;
  private reason = '';

  /** `now`: ms of a clock that never steps. */
  constructor(
    private readonly now: () => number = steadyClock,
    private readonly host = 'the host',
  ) {}

  /**
   * The verdict on a delivery that may not be written now; undefined if it may. A delivery that is let through must be
   * reported to `note`.
   */
  held(): Verdict | undefined {
    if (this.openUntil === 0) return undefined;
    const now = this.now();
    if (now >= this.openUntil && now >= this.probeUntil) {
      this.probeUntil = now + PROBE_MS;
      return undefined;
    }
    const forMs = Math.max(this.openUntil - now, this.waitMs);
    return { action: 'held', reason: `${this.host} is left alone: ${this.reason}`, forMs };
  }

  /**
   * The host refuses this application's credentials. It is left alone for longer than after failures, with one probe at
   * a time.
   */
  refuse(reason: string): void {
    const isTried = this.probeUntil > 0;
    if (this.openUntil > 0 && !isTried) return;
    this.refusalMs = this.refusalMs === 0 ? FIRST_REFUSAL_MS : Math.min(2 * this.refusalMs, LONGEST_ORDERED_WAIT_MS);
    this.probeUntil = 0;
    this.open(this.refusalMs, reason);
  }

  note(verdict: Verdict): void {
    switch (verdict.action) {
      case 'notSent':
      case 'held':
        this.probeUntil = 0;
        return;
      case 'retryAfter':
        if (verdict.scope !== 'host') return this.close();
        this.probeUntil = 0;
        return this.open(Math.min(verdict.afterMs, LONGEST_ORDERED_WAIT_MS), verdict.reason);
      case 'retryBackoff':
      case 'ambiguous':
        return this.fail(verdict.reason);
      case 'accept':
      case 'acceptDropped':
      case 'dropDevice':
      case 'fail':
      case 'stopApplication':
        return this.close();
    }
  }

  private fail(reason: string): void {
    this.failures++;
    // Results of requests that were open when the breaker opened do not count.
    const probed = this.probeUntil > 0;
    if (this.openUntil > 0 ? !probed : this.failures < FAILURES) return;
    if (probed) this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
    this.probeUntil = 0;
    this.open(this.waitMs, reason);
  }

  private open(ms: number, reason: string): void {
    this.openUntil = Math.max(this.openUntil, this.now() + ms);
    this.reason = reason;
  }

  private close(): void {
    this.failures = 0;
    this.openUntil = 0;
    this.waitMs = FIRST_WAIT_MS;
    this.refusalMs = 0;
    this.probeUntil = 0;
  }
}

function steadyClock(): number {
  return performance.now();
}

/** The breakers of a sender with many hosts; the one unused for longest is removed. */
export class HostBreakers {
  private readonly breakers = new Map<string, HostBreaker>();

  constructor(private readonly now: () => number = steadyClock) {}

  for(origin: string): HostBreaker {
    const breaker = this.breakers.get(origin) ?? new HostBreaker(this.now, new URL(origin).host);
    this.breakers.delete(origin);
    this.breakers.set(origin, breaker);
    const [oldest] = this.breakers.keys();
    if (this.breakers.size > HOSTS && oldest !== undefined) this.breakers.delete(oldest);
    return breaker;
  }

  /** Forgets all hosts. */
  clear(): void {
    this.breakers.clear();
  }
}
