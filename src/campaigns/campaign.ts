import { DAY_S, MINUTE_MS } from '../common/durations.js';
import { RECIPIENT } from './schedule/schedule.js';
import type { ScheduleSpec } from './schedule/schedule.js';

/** What a campaign is, as it was put and validated. */
export interface Definition {
  name: string;
  /** A message's body without its target. */
  content: Content;
  /** By language (BCP 47): what is other than in `content`, field by field. */
  languages?: Record<string, Content>;
  split?: Variant[];
  target?: Record<string, unknown>;
  schedule: ScheduleSpec;
  policies?: Policies;
}

export type Content = Record<string, unknown>;

/** A share of the users, the same ones at every run. Those in no variant get nothing. */
export interface Variant {
  name: string;
  /** In percent, to two places. */
  share: number;
  /** What is other than in the campaign's content, and than in its languages. */
  content?: Content;
  languages?: Record<string, Content>;
}

export interface Policies {
  /** Of what was missed while no scheduler ran. Default once. */
  catchUp?: 'skip' | 'once' | 'all';
  /** How old a missed firing may be under `all`. Default a day. */
  catchUpSeconds?: number;
  /** When an earlier run is still under way. Default allow. */
  overlap?: 'allow' | 'skip' | 'cancel';
  /** From 0 to 1: when so much of the last run failed or was rejected, the campaign is paused instead of fired. */
  pauseAtFailureShare?: number;
  quietHours?: QuietHours;
  /** Messages of campaigns in 24 hours above which a user is passed over. */
  dailyCap?: number;
  /** Deliveries a second of a run: either this, or `spreadSeconds`. */
  ratePerSecond?: number;
  /** Each wave is spread evenly over so many seconds. */
  spreadSeconds?: number;
}

/** By the recipients' clocks, `HH:MM`. */
export interface QuietHours {
  from: string;
  to: string;
  /** Until the morning, or for good. */
  action: 'hold' | 'drop';
}

export const DISABLED = 'the application is disabled';
export const UNDER_WAY = 'an earlier run is still under way';
export const OVERTAKEN = 'overtaken by the next firing';

/** What a whole run does. In the recipients' time each wave looks for itself: a daily run goes on for longer than a day. */
export function runOverlap({ schedule, policies }: Definition): 'allow' | 'skip' | 'cancel' {
  return schedule.timeZone === RECIPIENT ? 'allow' : (policies?.overlap ?? 'allow');
}

export function waveOverlap({ schedule, policies }: Definition): 'allow' | 'skip' | 'cancel' {
  return schedule.timeZone === RECIPIENT ? (policies?.overlap ?? 'allow') : 'allow';
}

/** After this long a firing counts as missed, and goes by the catch-up policy. */
export const LATE_MS = MINUTE_MS;
export const DEFAULT_CATCH_UP_S = DAY_S;

/** Why a firing or wave that is so much too late is not made up for; null: it is. `last`: nothing later was missed, too. */
export function refuseLate(policies: Policies, lateMs: number, last: boolean): string | null {
  if (lateMs <= LATE_MS) return null;
  const { catchUp = 'once', catchUpSeconds = DEFAULT_CATCH_UP_S } = policies;
  const missed = `missed by ${Math.round(lateMs / 1_000)} s`;
  if (catchUp === 'skip') return `${missed}; catchUp is skip`;
  if (catchUp === 'once') return last ? null : `${missed}; catchUp is once, and a later firing was missed as well`;
  return lateMs <= catchUpSeconds * 1_000 ? null : `${missed}, more than catchUpSeconds`;
}
