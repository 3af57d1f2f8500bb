import { DISABLED, OVERTAKEN, UNDER_WAY, refuseLate, runOverlap } from './campaign.js';
import type { Definition } from './campaign.js';
import { jitterOf, nextFiring, readSchedule } from './schedule/schedule.js';
import type { Firing, Schedule } from './schedule/schedule.js';
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

/** Missed firings that are dealt with at once; a campaign that missed more comes again. */
const AT_ONCE = 100;
/** A run in the recipients' time begins in the first zone 26 hours before it does in the last. */
const ROUND_THE_WORLD_MS = 26 * 3_600_000;

/** Throws ScheduleError. */
export function planFirings(campaign: DueCampaign, ttlSeconds: number, now: number): Planned {
  const { definition, id: salt } = campaign;
  const schedule = readSchedule(definition.schedule);
  const terms = { schedule, quietHours: definition.policies?.quietHours, ttlSeconds, salt };
  const planned: Planned = { runs: [], next: null, pause: null, cancelEarlier: false };
  let firing = nextFiring(schedule, campaign.nextAt - 1);
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
