import { DAY_MS, MINUTE_MS } from '../../common/durations.js';
import type { QuietTime } from '../../database/tables.js';
import type { Definition, QuietHours } from '../campaign.js';
import { refuseLate } from '../campaign.js';
import { DEAD_BY_MORNING, IN_QUIET_HOURS, TOO_OLD } from '../reason.js';
import { distinctZones, isTimeZone, toLocal, toMoment } from '../schedule/time-zone.js';
import { jitterOf } from '../schedule/schedule.js';
import type { Firing, Schedule } from '../schedule/schedule.js';

/** Waves, pure: a run reaches the devices of a zone at their local time and outside of their quiet hours. */

/** The times that zones in one wave share, in epoch ms. */
export interface WavePlan {
  /** The scheduled time in these zones, with jitter; the time to live counts from here. */
  scheduledAt: number;
  /** Later than `scheduledAt` if that time is in quiet hours. */
  dueAt: number;
  /** The reason if no device in these zones gets the message; else null. */
  dropped: string | null;
  /** The quiet times of the next week. */
  quiet: QuietTime[];
  /** False: one wave for all zones. */
  zoned: boolean;
}

export interface WaveTerms {
  schedule: Schedule;
  quietHours: QuietHours | undefined;
  ttlSeconds: number;
  /** Seed of the jitter: the campaign's id. */
  salt: string;
}

const QUIET_DAYS = 7;

/** The waves of a firing: one, or one per group of zones with the same time. */
export function planWaves(terms: WaveTerms, firing: Firing): WavePlan[] {
  if (!isZoned(terms)) return [planZone(terms, firing, terms.schedule.zone)];
  const zones = [...distinctZones(firing.at), defaultZone(terms)];
  const plans = zones.map((zone) => planZone(terms, firing, zone));
  return [...new Map(plans.map((plan) => [keyOf(plan), plan])).values()].toSorted((a, b) => a.dueAt - b.dueAt);
}

/**
 * The zones of a wave among those of the devices; null if there are none. `orNone`: includes devices without a zone.
 */
export function zonesOf(
  plan: WavePlan,
  terms: WaveTerms,
  firing: Firing,
  named: readonly string[],
): { of: string[]; orNone: boolean } | null {
  const key = keyOf(plan);
  const orNone = keyOf(planZone(terms, firing, defaultZone(terms))) === key;
  const of = named.filter((name) => (isTimeZone(name) ? keyOf(planZone(terms, firing, name)) === key : orNone));
  return of.length === 0 && !orNone ? null : { of, orNone };
}

export type WaveDecision = { do: 'send' } | { do: 'skip'; reason: string } | { do: 'wait'; until: number };

/** Whether to send, delay or skip a wave that is due, perhaps late. */
export function decideWave(
  plan: WavePlan,
  dueAt: number,
  definition: Definition,
  ttlSeconds: number,
  now: number,
): WaveDecision {
  const { policies = {} } = definition;
  if (plan.dropped !== null) return { do: 'skip', reason: plan.dropped };
  const late = refuseLate(policies, now - dueAt, true);
  if (late !== null) return { do: 'skip', reason: late };
  if (now >= plan.scheduledAt + ttlSeconds * 1_000) return { do: 'skip', reason: TOO_OLD };
  const quiet = plan.quiet.find(([from, to]) => now >= from && now < to);
  if (!quiet) return { do: 'send' };
  if (policies.quietHours?.action === 'drop') return { do: 'skip', reason: IN_QUIET_HOURS };
  if (quiet[1] >= plan.scheduledAt + ttlSeconds * 1_000) return { do: 'skip', reason: DEAD_BY_MORNING };
  return { do: 'wait', until: quiet[1] };
}

export function isZoned({ schedule, quietHours }: Pick<WaveTerms, 'schedule' | 'quietHours'>): boolean {
  return schedule.recipient || quietHours !== undefined;
}

function defaultZone({ schedule }: WaveTerms): string {
  return schedule.recipient ? schedule.defaultZone : schedule.zone;
}

function planZone(terms: WaveTerms, firing: Firing, zone: string): WavePlan {
  const { schedule, quietHours, ttlSeconds } = terms;
  const moment = schedule.recipient ? toMoment(zone, firing.local).at : firing.at;
  const scheduledAt = moment + jitterOf(schedule, terms.salt, firing.at);
  const plan = { scheduledAt, dueAt: scheduledAt, dropped: null, quiet: [], zoned: isZoned(terms) };
  if (!quietHours) return plan;
  const quiet = quietTimes(quietHours, zone, scheduledAt);
  const [now, ...later] = quiet;
  if (!now || scheduledAt < now[0]) return { ...plan, quiet };
  if (quietHours.action === 'drop') return { ...plan, dropped: IN_QUIET_HOURS };
  const dropped = now[1] >= scheduledAt + ttlSeconds * 1_000 ? DEAD_BY_MORNING : null;
  return { ...plan, dueAt: dropped === null ? now[1] : scheduledAt, dropped, quiet: later };
}

/** The quiet times of a zone that end after a time, for a week; daylight saving is treated as in schedules. */
export function quietTimes(hours: QuietHours, zone: string, after: number): QuietTime[] {
  const [from, to] = [minutesOf(hours.from) * MINUTE_MS, minutesOf(hours.to) * MINUTE_MS];
  const today = Math.floor(toLocal(zone, after) / DAY_MS) * DAY_MS;
  const times: QuietTime[] = [];
  for (let day = today - DAY_MS; times.length < QUIET_DAYS; day += DAY_MS) {
    const start = toMoment(zone, day + from).at;
    const end = toMoment(zone, day + to + (to <= from ? DAY_MS : 0)).at;
    if (end > after && end > start) times.push([start, end]);
  }
  return times;
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

function keyOf({ scheduledAt, dueAt, dropped, quiet }: WavePlan): string {
  return `${scheduledAt} ${dueAt} ${dropped ?? ''} ${quiet.join(' ')}`;
}
