import { SECOND_MS } from '../../common/durations.js';
import { MISSING_S } from '../../database/processes.js';
import { rememberedRate } from '../../applications/proven-rate.js';
import { durationOf, durationUnder, rampUp, rateAt } from '../../delivery/deliver/pace.js';
import type { Pace, Traffic } from '../../delivery/deliver/pace.js';
import type { ProviderName, Ramp } from '../../providers/provider.js';

/** When the deliveries of a message would be finished, from what limits them now. Pure. Times are epoch ms. */

/** The limits of an application's deliveries at a provider. */
export interface ProviderLimits {
  provider: ProviderName;
  ramp: Ramp | undefined;
  pausedReason: string | null;
  pace: Pace | null;
  blockedUntil: number | null;
  traffic: Traffic;
  /** Open deliveries of earlier messages, which are sent first. */
  ahead: number;
}

/** Devices of a message at a provider. */
export interface Share {
  limits: ProviderLimits;
  count: number;
}

/** The cause that decides the end. */
export type Binding =
  | { kind: 'person'; act: 'approval' | 'applicationStopped' }
  | { kind: 'worker' }
  | { kind: 'provider'; provider: ProviderName; reason: string }
  | { kind: 'time'; until: number }
  | { kind: 'pace'; provider: ProviderName; perSecond: number; until: number | null }
  /** No limit is known: the rate that the provider accepted lately, or a usual one. */
  | { kind: 'speed'; provider: ProviderName; perSecond: number };

/** `finishAt` null: the end of the cause is unknown. */
export interface Estimate {
  finishAt: number | null;
  binding: Binding;
}

/** Deliveries per second. A lower rate that was accepted lately shows how little there was to send. */
const USUAL = 1_000;

/** Null: no device would get the message. `from`: when sending begins; `at`: epoch ms of now. */
export function estimate(
  shares: readonly Share[],
  { at, from, workerSeenAt }: { at: number; from: number; workerSeenAt: number | null },
): Estimate | null {
  if (at - (workerSeenAt ?? 0) > MISSING_S * SECOND_MS) return { finishAt: null, binding: { kind: 'worker' } };
  const paused = shares.find(({ limits }) => limits.pausedReason !== null);
  if (paused?.limits.pausedReason) {
    const { provider, pausedReason: reason } = paused.limits;
    return { finishAt: null, binding: { kind: 'provider', provider, reason } };
  }
  const last = lastToFinish(shares, from);
  // Most of the time is the wait for the time of sending.
  return last && last.finishAt - from < from - at ? { ...last, binding: { kind: 'time', until: from } } : last;
}

/** The provider whose deliveries end last. */
export function lastToFinish(shares: readonly Share[], from: number): (Estimate & { finishAt: number }) | null {
  return shares
    .filter(({ count }) => count > 0)
    .map((share) => finishOf(share, from))
    .reduce<ReturnType<typeof lastToFinish>>(
      (last, next) => (last === null || next.finishAt > last.finishAt ? next : last),
      null,
    );
}

function finishOf({ limits, count }: Share, from: number): Estimate & { finishAt: number } {
  const { provider, ramp, traffic, ahead } = limits;
  const until = (limits.blockedUntil ?? 0) > from ? limits.blockedUntil : null;
  const start = until ?? from;
  const pace = rateAt(limits.pace, start) === null ? rampUp(ramp, traffic, start) : limits.pace;
  const perSecond = Math.max(USUAL, rememberedRate(traffic.proven, start));
  const all = ahead + count;
  const [paced, free] = [durationUnder(pace, all, start), durationOf(all, perSecond)];
  const isPaced = until !== null || paced > free;
  const rate = rateAt(pace, start) ?? perSecond;
  return {
    finishAt: start + Math.max(paced, free),
    binding: isPaced ? { kind: 'pace', provider, perSecond: rate, until } : { kind: 'speed', provider, perSecond },
  };
}
