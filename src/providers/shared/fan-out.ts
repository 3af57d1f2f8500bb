import type { HostBreaker } from './host-breaker.js';
import type { Verdict } from '../provider.js';

export const NOT_SENT: Verdict = { action: 'notSent' };

/**
 * Deliveries of one send call that are outstanding at once. What has been handed to the connections cannot be called
 * back, so this is also what an abort or a stopped application still writes at most, and what a one-time code finds before
 * it at a provider that is saturated. 250 at 40 ms an answer are 6,250/s
 * for one call, and several calls share the connections.
 */
export const OUTSTANDING = 250;

export interface FanOutOptions {
  /** Deliveries under way at once, asked again at each verdict. */
  outstanding?: () => number;
  /** Of the host that all of them go to: while it is open they are reported as held. */
  breaker?: HostBreaker;
}

/**
 * Runs `deliver` for each index from 0 to count - 1, a bounded number at once, and reports every verdict once. After
 * `signal` aborts or a verdict concerns the whole application (stopped, or told to slow down), indexes not yet begun are
 * reported as notSent, at the next verdict.
 * Resolves when all are reported. When `deliver` or `report` throws, nothing more is begun, and the first fault rejects
 * the promise once the outstanding ones have settled.
 */
export function fanOut(
  count: number,
  deliver: (index: number) => Promise<Verdict>,
  report: (index: number, verdict: Verdict) => void,
  signal: AbortSignal,
  { outstanding = () => OUTSTANDING, breaker }: FanOutOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let open = 0;
    let stopped = false;
    let fault: { error: unknown } | undefined;

    const settle = (index: number, verdict: Verdict): void => {
      breaker?.note(verdict);
      if (verdict.action === 'stopApplication') stopped = true;
      if (verdict.action === 'retryAfter' && verdict.scope === 'application') stopped = true;
      report(index, verdict);
    };

    const advance = (): void => {
      try {
        const most = outstanding();
        while (fault === undefined && next < count) {
          if (stopped || signal.aborted) {
            report(next++, NOT_SENT);
            continue;
          }
          if (open >= most) break;
          const held = breaker?.held();
          if (held === undefined) begin(next++);
          else report(next++, held);
        }
      } catch (error) {
        fault ??= { error };
      }
      if (open > 0) return;
      if (fault === undefined) resolve();
      else reject(fault.error);
    };

    const fail = (error: unknown): void => {
      fault ??= { error };
      open--;
      advance();
    };

    // One reaction a delivery: a chain of three cost a microsecond.
    const begin = (index: number): void => {
      const delivery = deliver(index);
      open++;
      delivery.then((verdict) => {
        try {
          settle(index, verdict);
        } catch (error) {
          return fail(error);
        }
        open--;
        advance();
      }, fail);
    };

    // The signal is looked at and not listened to: dozens of sends share one, and the next answer is near.
    advance();
  });
}
