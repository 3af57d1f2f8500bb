import { HOUR_MS } from '../../common/durations.js';
import { DEFAULT_CATCH_UP_S, DISABLED, LATE_MS, OVERTAKEN, UNDER_WAY, refuseLate, runOverlap } from '../campaign.js';
import type { Definition } from '../campaign.js';
import { jitterOf, nextFiring, readSchedule } from '../schedule/schedule.js';
import type { Firing, Schedule } from '../schedule/schedule.js';
import { countFirings, lastFiring } from '../schedule/span.js';
import { planWaves } from './wave.js';
import type { WavePlan } from './wave.js';

/** What becomes of a campaign whose time has come, pure. Times are epoch ms. */

export interface DueCampaign {
  seq: number;
  id: string;
  applicationId: string;
  definition: Definition;
  /** The moment it was to fire next. */
  nextAt: number;
  applicationEnabled: boolean;
  /** An earlier run is still under way. */
  busy: boolean;
  /** Of the last run, from 0 to 1: failed and rejected of all that have an end. Null: not asked, or nothing to go by. */
  failureShare: number | null;
}

export interface PlannedRun {
  scheduledAt: number;
  /** Null: it fires. */
  skipped: string | null;
  waves: WavePlan[];
  /** It stands for several that were missed, of which it is the last. */
  missed?: Missed;
}

export interface Missed {
  count: number;
  /** The first of them. */
  from: number;
}

export interface Planned {
  runs: PlannedRun[];
  next: NextFiring | null;
  /** Why the campaign is paused now. */
  pause: string | null;
  cancelEarlier: boolean;
}

export interface NextFiring {
  nextAt: number;
  dueAt: number;
}

/** Firings that are made at once, under the catch-up policy `all`; a campaign with more comes again. */
const AT_ONCE = 100;
/** A run in the recipients' time begins in the first zone 26 hours before it does in the last. */
const ROUND_THE_WORLD_MS = 26 * HOUR_MS;

/** Throws ScheduleError. */
export function planFirings(campaign: DueCampaign, ttlSeconds: number, now: number): Planned {
  const { definition, id: salt } = campaign;
  const schedule = readSchedule(definition.schedule);
  const terms = { schedule, quietHours: definition.policies?.quietHours, ttlSeconds, salt };
  const planned: Planned = { runs: [], next: null, pause: null, cancelEarlier: false };
  let firing = nextFiring(schedule, campaign.nextAt - 1);
  const missed = firing && findMissed(campaign, schedule, firing, now);
  if (firing && missed) {
    planned.runs.push(toMissedRun(campaign, schedule, firing, missed, now));
    firing = nextFiring(schedule, missed.at);
  }
  while (firing && dueAt(schedule, salt, firing) <= now && planned.runs.length < AT_ONCE && planned.pause === null) {
    const following = nextFiring(schedule, firing.at);
    const last = !following || dueAt(schedule, salt, following) > now;
    const skipped = refuse(campaign, schedule, planned, firing, last, now);
    if (skipped === null && runOverlap(definition) === 'cancel') overtake(planned);
    planned.runs.push({ scheduledAt: firing.at, skipped, waves: skipped === null ? planWaves(terms, firing) : [] });
    firing = following;
  }
  if (firing && planned.pause === null) planned.next = { nextAt: firing.at, dueAt: dueAt(schedule, salt, firing) };
  return planned;
}

/** The first firing after a moment; null: it never fires again. */
export function planNext(definition: Definition, salt: string, after: number): NextFiring | null {
  const schedule = readSchedule(definition.schedule);
  const firing = nextFiring(schedule, after);
  return firing && { nextAt: firing.at, dueAt: dueAt(schedule, salt, firing) };
}

function dueAt(schedule: Schedule, salt: string, firing: Firing): number {
  return firing.at + jitterOf(schedule, salt, firing.at);
}

/** The last of the firings that are too late for certain, so that one run stands for all of them. */
function findMissed({ definition, id }: DueCampaign, schedule: Schedule, first: Firing, now: number): Firing | null {
  const { catchUp = 'once', catchUpSeconds = DEFAULT_CATCH_UP_S } = definition.policies ?? {};
  const lateMs = catchUp === 'all' ? Math.max(LATE_MS, catchUpSeconds * 1_000) : LATE_MS;
  const around = schedule.recipient ? ROUND_THE_WORLD_MS : 0;
  const last = lastFiring(schedule, first.at - 1, now - lateMs - schedule.jitterMs - around - 1);
  if (last === null || catchUp !== 'once') return last;
  // The last of all is made up for.
  const following = nextFiring(schedule, last.at);
  const isOvertaken = following !== null && dueAt(schedule, id, following) <= now;
  return isOvertaken ? last : lastFiring(schedule, first.at - 1, last.at - 1);
}

function toMissedRun(
  { definition, applicationEnabled, id }: DueCampaign,
  schedule: Schedule,
  first: Firing,
  last: Firing,
  now: number,
): PlannedRun {
  const lateMs = now - dueAt(schedule, id, last) - (schedule.recipient ? ROUND_THE_WORLD_MS : 0);
  const count = countFirings(schedule, first, last);
  const reason = applicationEnabled ? refuseLate(definition.policies ?? {}, lateMs, false) : DISABLED;
  const run = { scheduledAt: last.at, skipped: reason, waves: [] };
  if (count === 1) return run;
  const span = `from ${new Date(first.at).toISOString()} to ${new Date(last.at).toISOString()}`;
  const skipped = `${count.toLocaleString('en-US')} missed, ${span}; ${reason?.replace(/^missed by/, 'the last by')}`;
  return { ...run, skipped, missed: { count, from: first.at } };
}

/** Why it does not fire. */
function refuse(
  { definition, applicationEnabled, busy, failureShare, id }: DueCampaign,
  schedule: Schedule,
  planned: Planned,
  firing: Firing,
  last: boolean,
  now: number,
): string | null {
  const { policies = {} } = definition;
  if (!applicationEnabled) return DISABLED;
  // In the recipients' time each wave is late by itself.
  const lateMs = now - dueAt(schedule, id, firing) - (schedule.recipient ? ROUND_THE_WORLD_MS : 0);
  const late = refuseLate(policies, lateMs, last);
  if (late !== null) return late;
  const { pauseAtFailureShare: limit } = policies;
  if (limit !== undefined && failureShare !== null && failureShare >= limit) {
    planned.pause = `${Math.round(failureShare * 100)} % of the last run failed or was rejected`;
    return planned.pause;
  }
  const underWay = busy || planned.runs.some(({ skipped }) => skipped === null);
  if (runOverlap(definition) === 'skip' && underWay) return UNDER_WAY;
  return null;
}

/** Under `cancel`: what has been planned in this round is called off before it began. */
function overtake(planned: Planned): void {
  planned.cancelEarlier = true;
  for (const run of planned.runs) {
    if (run.skipped !== null) continue;
    run.skipped = OVERTAKEN;
    run.waves = [];
  }
}
