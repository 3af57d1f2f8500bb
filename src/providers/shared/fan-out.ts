import type { HostBreaker } from './host-breaker.js';
import type { Verdict } from '../provider.js';

export const NOT_SENT: Verdict = { action: 'notSent' };

/**
 * Open deliveries of one send call. A request that was given to the connections cannot be cancelled, so this limits
 * what is still written after an abort or a stop, and how many requests a one-time code waits for at a saturated
 * provider. 250 at 40 ms per answer are 6,250/s per call, and several calls share the connections.
 */
export const OUTSTANDING = 250;

export interface FanOutOptions {
  /** Maximum of open deliveries, read again at each verdict. */
  outstanding?: () => number;
  /** Breaker of the host that all deliveries go to. While it is open, they are reported as held. */
  breaker?: HostBreaker;
}

/**
 * Runs `deliver` for each index from 0 to count - 1, a limited number at once, and reports every verdict once. If
 * `signal` aborts or a verdict concerns the whole application (stop, slow down), indexes that have not begun are
 * reported as notSent at the next verdict. Resolves when all are reported. If `deliver` or `report` throws, nothing
 * more begins, and the promise rejects with the first fault after the open deliveries have settled.
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

    // One reaction per delivery: a chain of three cost a microsecond.
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

    // The signal is polled, without a listener: dozens of sends share it, and the next answer comes soon.
    advance();
  });
}
