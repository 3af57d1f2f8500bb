import { DAY_S, MINUTE_MS } from '../common/durations.js';
import { RECIPIENT } from './schedule/schedule.js';
import type { ScheduleSpec } from './schedule/schedule.js';

/** A campaign's definition, validated. */
export interface Definition {
  name: string;
  /** A message's body without its target. */
  content: Content;
  /** By language tag (BCP 47): the fields that differ from `content`. */
  languages?: Record<string, Content>;
  split?: Variant[];
  target?: Record<string, unknown>;
  schedule: ScheduleSpec;
  policies?: Policies;
}

export type Content = Record<string, unknown>;

/** A share of the users, the same users in every run. Users outside of all variants get nothing. */
export interface Variant {
  name: string;
  /** In percent, with at most two decimals. */
  share: number;
  /** The fields that differ from the campaign's content and its languages. */
  content?: Content;
  languages?: Record<string, Content>;
}

export interface Policies {
  /** Firings missed while no scheduler ran. Default: once. */
  catchUp?: 'skip' | 'once' | 'all';
  /** With `all`: the largest delay of a missed firing. Default: one day. */
  catchUpSeconds?: number;
  /** Applies if an earlier run has not ended. Default: allow. */
  overlap?: 'allow' | 'skip' | 'cancel';
  /** From 0 to 1. If this share of the last run failed or was rejected, the campaign is paused instead of fired. */
  pauseAtFailureShare?: number;
  quietHours?: QuietHours;
  /** A user who has received this many campaign messages within 24 hours is skipped. */
  dailyCap?: number;
  /** Deliveries per second of a run; excludes `spreadSeconds`. */
  ratePerSecond?: number;
  /** Each wave is spread evenly over this many seconds. */
  spreadSeconds?: number;
}

/** Local times of the recipient, `HH:MM`. */
export interface QuietHours {
  from: string;
  to: string;
  /** `hold`: deliver after the quiet hours. `drop`: do not deliver. */
  action: 'hold' | 'drop';
}

/**
 * The overlap rule for a whole run. In the recipients' time each wave checks it by itself, because a daily run takes
 * more than a day.
 */
export function runOverlap({ schedule, policies }: Definition): 'allow' | 'skip' | 'cancel' {
  return schedule.timeZone === RECIPIENT ? 'allow' : (policies?.overlap ?? 'allow');
}

export function waveOverlap({ schedule, policies }: Definition): 'allow' | 'skip' | 'cancel' {
  return schedule.timeZone === RECIPIENT ? (policies?.overlap ?? 'allow') : 'allow';
}

/** A firing that is later than this counts as missed, and the catch-up policy applies. */
export const LATE_MS = MINUTE_MS;
export const DEFAULT_CATCH_UP_S = DAY_S;

/** The reason why a late firing or wave is skipped; null if it is sent. `last`: no later one was missed. */
export function refuseLate(policies: Policies, lateMs: number, last: boolean): string | null {
  if (lateMs <= LATE_MS) return null;
  const { catchUp = 'once', catchUpSeconds = DEFAULT_CATCH_UP_S } = policies;
  const missed = `missed by ${Math.round(lateMs / 1_000)} s`;
  if (catchUp === 'skip') return `${missed}; catchUp is skip`;
  if (catchUp === 'once') return last ? null : `${missed}; catchUp is once, and a later firing was missed as well`;
  return lateMs <= catchUpSeconds * 1_000 ? null : `${missed}, more than catchUpSeconds`;
}
