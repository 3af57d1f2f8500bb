import { HOUR_MS } from '../../common/durations.js';
import { DEFAULT_CATCH_UP_S, LATE_MS, refuseLate, runOverlap } from '../campaign.js';
import type { Definition } from '../campaign.js';
import { DISABLED, OVERTAKEN, UNDER_WAY } from '../reason.js';
import { jitterOf, nextFiring, readSchedule } from '../schedule/schedule.js';
import type { Firing, Schedule } from '../schedule/schedule.js';
import { countFirings, lastFiring } from '../schedule/span.js';
import { planWaves } from './wave.js';
import type { WavePlan } from './wave.js';

/** The runs and the next firing of a due campaign, pure. Times are epoch ms. */

export interface DueCampaign {
  seq: number;
  id: string;
  applicationId: string;
  definition: Definition;
  /** When the campaign was due. */
  nextAt: number;
  applicationEnabled: boolean;
  /** An earlier run has not ended. */
  busy: boolean;
  /**
   * The share of failed and rejected among the settled deliveries of the last run, from 0 to 1. Null: not needed, or no
   * such deliveries.
   */
  failureShare: number | null;
}

export interface PlannedRun {
  scheduledAt: number;
  /** The reason if the run is skipped; null if it fires. */
  skipped: string | null;
  waves: WavePlan[];
  /** Several missed firings that this run, the last of them, stands for. */
  missed?: Missed;
}

export interface Missed {
  count: number;
  /** The time of the first. */
  from: number;
}

export interface Planned {
  runs: PlannedRun[];
  next: NextFiring | null;
  /** The reason if the campaign is paused now. */
  pause: string | null;
  cancelEarlier: boolean;
}

export interface NextFiring {
  nextAt: number;
  dueAt: number;
}

/** Most firings planned at once with the catch-up policy `all`; the campaign stays due for the rest. */
const AT_ONCE = 100;
/** A run in the recipients' time begins in the first zone 26 hours before the last. */
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

/** The first firing after a time; null if there is none. */
export function planNext(definition: Definition, salt: string, after: number): NextFiring | null {
  const schedule = readSchedule(definition.schedule);
  const firing = nextFiring(schedule, after);
  return firing && { nextAt: firing.at, dueAt: dueAt(schedule, salt, firing) };
}

function dueAt(schedule: Schedule, salt: string, firing: Firing): number {
  return firing.at + jitterOf(schedule, salt, firing.at);
}

/** The last of the firings that are certainly too late, so that one run stands for all of them. */
function findMissed({ definition, id }: DueCampaign, schedule: Schedule, first: Firing, now: number): Firing | null {
  const { catchUp = 'once', catchUpSeconds = DEFAULT_CATCH_UP_S } = definition.policies ?? {};
  const lateMs = catchUp === 'all' ? Math.max(LATE_MS, catchUpSeconds * 1_000) : LATE_MS;
  const around = schedule.recipient ? ROUND_THE_WORLD_MS : 0;
  const last = lastFiring(schedule, first.at - 1, now - lateMs - schedule.jitterMs - around - 1);
  if (last === null || catchUp !== 'once') return last;
  // The last of all is sent under `once`.
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

/** The reason why the campaign does not fire; null if it fires. */
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
  // In the recipients' time each wave checks its own delay.
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

/** With `cancel`: runs planned earlier in this round are skipped. */
function overtake(planned: Planned): void {
  planned.cancelEarlier = true;
  for (const run of planned.runs) {
    if (run.skipped !== null) continue;
    run.skipped = OVERTAKEN;
    run.waves = [];
  }
}
