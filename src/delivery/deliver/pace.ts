import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../common/durations.js';
import type { Ramp } from '../../providers/provider.js';

/** How fast one application may be sent to at one provider. Times are epoch ms. */
export interface Pace {
  /** Deliveries a second at `changedAt`. */
  perSecond: number;
  /** Factor per minute by which the rate grows from there. */
  growth: number;
  changedAt: number;
  /** From then on there is no limit. */
  lapsesAt: number;
}

/** docs/protocol/providers.md §11: cut the limiter to about 70 %, recover by 5 % a minute. */
const CUT = 0.7;
const RECOVERY = 1.05;
/** An hour of recovery is eighteen times the cut rate: the limit means nothing any more. */
const LAPSE_MS = HOUR_MS;
/** What was on its way when the provider spoke is told the same: one cut for all of it. */
const SAME_TROUBLE_MS = 10_000;
/**
 * Deliveries a second below which what we sent says how little there was to send, not what the provider takes: a 429 met
 * by a few codes must not have the next broadcast crawl for an hour. If this is too much still, it is cut again.
 */
const TELLING = 500;
/** A ramp goes on beyond its documented end, then nothing is limited until the provider says so. */
const RAMP_LAPSE = 2;
/** After this long without an accepted delivery the traffic starts anew. */
const IDLE_MS = 10 * MINUTE_MS;

/** Deliveries a second; null without limit. */
export function rateAt(pace: Pace | null, now: number): number | null {
  if (pace === null || now >= pace.lapsesAt) return null;
  return pace.perSecond * pace.growth ** (Math.max(0, now - pace.changedAt) / MINUTE_MS);
}

/** The pace of a provider that asks for a gradual start; null when its traffic has begun long ago. */
export function rampUp(ramp: Ramp | undefined, lastSuccessAt: number | null, now: number): Pace | null {
  if (ramp === undefined || (lastSuccessAt !== null && now - lastSuccessAt < IDLE_MS)) return null;
  const growth = (ramp.to / ramp.from) ** (MINUTE_MS / ramp.overMs);
  return { perSecond: ramp.from, growth, changedAt: now, lapsesAt: now + RAMP_LAPSE * ramp.overMs };
}

/** The provider told us to slow down while we sent `observed` deliveries a second. */
export function slowDown(pace: Pace | null, observed: number, now: number): Pace {
  const rate = rateAt(pace, now);
  if (pace !== null && rate !== null && pace.growth === RECOVERY && now - pace.changedAt < SAME_TROUBLE_MS) return pace;
  const before = Math.min(rate ?? Infinity, Math.max(TELLING, observed));
  return { perSecond: CUT * before, growth: RECOVERY, changedAt: now, lapsesAt: now + LAPSE_MS };
}

/** Deliveries that one turn takes: a second's worth, so that a turn is seldom and no burst is long. */
export function turnSize(rate: number): number {
  return Math.max(1, Math.ceil(rate));
}

/** Milliseconds that so many deliveries last. */
export function durationOf(count: number, rate: number): number {
  return (count / rate) * SECOND_MS;
}
