import { MINUTE_MS } from '../../common/durations.js';
import type { Verdict } from '../provider.js';

/** Failures in a row, with no sign of life between them, after which a host is left alone. */
const FAILURES = 20;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = MINUTE_MS;
/** After a refusal of the credentials. */
const FIRST_REFUSAL_MS = 30_000;
/** A host's own word, however long, is looked at again after this. */
const LONGEST_ORDERED_WAIT_MS = 10 * MINUTE_MS;
/** Longer than any request may take, its replays included. */
const PROBE_MS = MINUTE_MS;
/** Hosts that one sender remembers. Only Web Push has more than one: as many as browsers name. */
const HOSTS = 256;

/**
 * The circuit breaker of one host, as one application sees it: open, nothing is written to it, and what was to be waits in
 * its batch; then one delivery is let through, and its verdict closes the breaker or doubles the wait. Not shared between
 * applications: a certificate that the host hangs up on looks like a host that is down.
 */
export class HostBreaker {
  private failures = 0;
  private openUntil = 0;
  private waitMs = FIRST_WAIT_MS;
  /** The last wait after a refusal; 0: none stands. */
  private refusalMs = 0;
  /** A delivery is on its way to try the host; 0: none is. After this it is taken for lost. */
  private probeUntil = 0;
  private reason = '';

  /** `now`: ms of a clock that never steps. */
  constructor(
    private readonly now: () => number = steadyClock,
    private readonly host = 'the host',
  ) {}

  /** The verdict on a delivery that may not be written now; undefined when it may. What is let through must be noted. */
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
   * The host refuses this application's credentials: it is left alone for longer than one that is in trouble, and one
   * delivery tries it now and then.
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
    // What was under way when it opened says nothing new.
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

/** The breakers of a sender with many hosts; the one unused for longest is forgotten. */
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

  /** Takes all for hosts that nothing is known of. */
  clear(): void {
    this.breakers.clear();
  }
}
