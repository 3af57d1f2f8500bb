import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../common/durations.js';
import { rememberedRate } from '../../applications/proven-rate.js';
import type { Proven } from '../../applications/proven-rate.js';
import type { Ramp } from '../../providers/provider.js';

/** The allowed rate of one application at one provider. Times are epoch ms. */
export interface Pace {
  /** Deliveries per second at `changedAt`. */
  perSecond: number;
  /** Factor per minute by which the rate grows. */
  growth: number;
  changedAt: number;
  /** From then on there is no limit. */
  lapsesAt: number;
}

/** docs/protocol/providers.md §11: cut the rate to 70 %, recover by 5 % a minute. */
const CUT = 0.7;
const RECOVERY = 1.05;
/** After an hour of recovery, the rate is eighteen times the cut rate, so the limit is dropped. */
const LAPSE_MS = HOUR_MS;
/** Deliveries that were open when the provider answered get the same answer: one cut for all of them. */
const SAME_TROUBLE_MS = 10_000;
/**
 * Deliveries per second. Below this rate, the observed rate shows how little there was to send, not the provider's
 * limit: after a 429 for a few codes, the next broadcast must not be slow for an hour. If the limit is still too high,
 * it is cut again.
 */
const TELLING = 500;
/**
 * A ramp continues beyond its documented end by this factor; then nothing is limited until the provider asks for it.
 */
const RAMP_LAPSE = 2;
/** After this long without an accepted delivery, the traffic starts again. */
const IDLE_MS = 10 * MINUTE_MS;

/** Deliveries per second; null without a limit. */
export function rateAt(pace: Pace | null, now: number): number | null {
  if (pace === null || now >= pace.lapsesAt) return null;
  return pace.perSecond * pace.growth ** (Math.max(0, now - pace.changedAt) / MINUTE_MS);
}

/** The accepted traffic of an application. `proven`: null in rows of a version that did not keep it. */
export interface Traffic {
  lastSuccessAt: number | null;
  proven: Proven | null;
}

/**
 * The pace for a provider that asks for a gradual start; null if its traffic is under way. A start joins the same curve
 * at the rate that the provider accepted lately, at most at the ramp's end. A few accepted codes are not yet traffic.
 */
export function rampUp(ramp: Ramp | undefined, { lastSuccessAt, proven }: Traffic, now: number): Pace | null {
  if (ramp === undefined) return null;
  const remembered = rememberedRate(proven, now);
  const isRecent = lastSuccessAt !== null && now - lastSuccessAt < IDLE_MS;
  if (isRecent && (proven === null || remembered >= ramp.from)) return null;
  const growth = (ramp.to / ramp.from) ** (MINUTE_MS / ramp.overMs);
  const perSecond = Math.min(ramp.to, Math.max(ramp.from, remembered));
  const skippedMs = (Math.log(perSecond / ramp.from) / Math.log(growth)) * MINUTE_MS;
  return { perSecond, growth, changedAt: now, lapsesAt: now + RAMP_LAPSE * ramp.overMs - skippedMs };
}

/** The provider asked to slow down while `observed` deliveries per second were sent. */
export function cutPace(pace: Pace | null, observed: number, now: number): Pace {
  const rate = rateAt(pace, now);
  if (pace !== null && rate !== null && pace.growth === RECOVERY && now - pace.changedAt < SAME_TROUBLE_MS) return pace;
  const before = Math.min(rate ?? Infinity, Math.max(TELLING, observed));
  return { perSecond: CUT * before, growth: RECOVERY, changedAt: now, lapsesAt: now + LAPSE_MS };
}

/** Deliveries of one turn: one second's worth, so that turns are rare and bursts short. */
export function turnSize(rate: number): number {
  return Math.max(1, Math.ceil(rate));
}

/** Milliseconds for `count` deliveries. */
export function durationOf(count: number, rate: number): number {
  return (count / rate) * SECOND_MS;
}

/** Milliseconds for `count` deliveries from `from` on, while the rate grows; 0 without a limit. */
export function durationUnder(pace: Pace | null, count: number, from: number): number {
  const rate = rateAt(pace, from);
  if (pace === null || rate === null) return 0;
  const growthPerMs = Math.log(pace.growth) / MINUTE_MS;
  const atRate = durationOf(count, rate);
  const needed = growthPerMs === 0 ? atRate : Math.log1p(atRate * growthPerMs) / growthPerMs;
  return Math.min(needed, pace.lapsesAt - from);
}
