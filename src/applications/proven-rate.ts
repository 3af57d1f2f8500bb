import { DAY_MS } from '../common/durations.js';

/** The highest rate that a provider accepted from an application: deliveries per second of all processes. */
export interface Proven {
  perSecond: number;
  /** Epoch ms. */
  at: number;
}

/** After a day 79 % of a proven rate count, after a week 20 %: for daily sends the last one tells what is accepted. */
const HALVED_AFTER_MS = 3 * DAY_MS;
/** A time further in the future was written before the clock was set back, so its age is unknown. */
const FUTURE_MS = 20_000;

/** Deliveries per second that the provider can be expected to accept; 0 without a proof. */
export function rememberedRate(proven: Proven | null, now: number): number {
  if (proven === null || proven.at > now + FUTURE_MS) return 0;
  return proven.perSecond * 0.5 ** (Math.max(0, now - proven.at) / HALVED_AFTER_MS);
}

/** The proof after `perSecond` deliveries were accepted. */
export function prove(known: Proven | null, perSecond: number, now: number): Proven {
  return known !== null && rememberedRate(known, now) >= perSecond ? known : { perSecond, at: now };
}
