import { createHash } from 'node:crypto';
import { DAY_MS, HOUR_S } from '../../common/durations.js';
import { readTime } from '../../common/instant.js';
import { nextTime } from './cron.js';
import { parseCron } from './cron-expression.js';
import type { Cron } from './cron.js';
import { ScheduleError } from './schedule.error.js';
import { isTimeZone, toLocal, toMoment } from './time-zone.js';
import type { Moment } from './time-zone.js';

/** When a campaign fires, pure. In the form of the request; times without an offset are local times of `timeZone`. */
export interface ScheduleSpec {
  /** Excludes `at`. */
  cron?: string;
  /** ISO 8601, with or without an offset. */
  at?: string[];
  /** An IANA name, or `recipient` for each device's own. Default: UTC. */
  timeZone?: string;
  /** With `recipient`: time zone of devices without one. Default: UTC. */
  defaultTimeZone?: string;
  /** The first and last time of a firing; a date alone is the whole day. */
  start?: string;
  end?: string;
  /** Local dates without a firing, `YYYY-MM-DD`. */
  exclude?: string[];
  /** Each firing is delayed by 0 to this many seconds, an amount of its own. */
  jitterSeconds?: number;
}

/** A schedule after parsing. */
export interface Schedule {
  source: Cron | PlannedMoment[];
  /** Time zone of `cron`, of the dates, and of times without an offset. */
  zone: string;
  recipient: boolean;
  defaultZone: string;
  /** Epoch ms. */
  start: number;
  end: number;
  exclude: ReadonlySet<string>;
  jitterMs: number;
}

interface PlannedMoment extends Moment {
  local: number;
}

/** One firing: its local time, its time, and the effect of daylight saving. */
export interface Firing extends Moment {
  local: number;
}

export const RECIPIENT = 'recipient';
/**
 * The easternmost zone: a run in the recipients' time begins when its local time comes there, and ends 26 hours later.
 */
export const EARLIEST_ZONE = 'Etc/GMT-14';
export const MAX_MOMENTS = 1_000;
const MAX_JITTER_S = HOUR_S;
/**
 * With jitter and 26 hours around the world, a later time could reach the year 10000, which PostgreSQL does not read in
 * ISO 8601.
 */
const LATEST = Date.UTC(9999, 11, 28);

/** Throws ScheduleError that names field and reason. */
export function readSchedule(spec: ScheduleSpec): Schedule {
  const recipient = spec.timeZone === RECIPIENT;
  const zone = recipient ? EARLIEST_ZONE : readZone('schedule.timeZone', spec.timeZone);
  if (!recipient && spec.defaultTimeZone !== undefined)
    throw new ScheduleError('schedule.defaultTimeZone', 'it applies to schedules in the recipients’ time only');
  if ((spec.cron === undefined) === (spec.at === undefined))
    throw new ScheduleError('schedule', 'exactly one of cron and at is required');
  const moment = (field: string, text: string): PlannedMoment => readMoment(`schedule.${field}`, text, zone, recipient);
  const schedule: Schedule = {
    source:
      spec.cron === undefined
        ? (spec.at ?? []).map((text) => moment('at', text)).toSorted((a, b) => a.at - b.at)
        : parseCron(spec.cron),
    zone,
    recipient,
    defaultZone: readZone('schedule.defaultTimeZone', spec.defaultTimeZone),
    start: spec.start === undefined ? -Infinity : moment('start', spec.start).at,
    end: spec.end === undefined ? LATEST : endOf(spec.end, zone, recipient),
    exclude: new Set((spec.exclude ?? []).map(readDate)),
    jitterMs: readJitter(spec.jitterSeconds) * 1_000,
  };
  if (schedule.start > schedule.end) throw new ScheduleError('schedule.end', 'it must not be before the start');
  if (Array.isArray(schedule.source) && (schedule.source.length === 0 || schedule.source.length > MAX_MOMENTS))
    throw new ScheduleError('schedule.at', `it must have 1 to ${MAX_MOMENTS} moments`);
  return schedule;
}

/** The first firing after a time (epoch ms); null if there is none. */
export function nextFiring(schedule: Schedule, after: number): Firing | null {
  const later = Math.max(after, schedule.start - 1);
  if (Array.isArray(schedule.source))
    return schedule.source.find(({ at, local }) => at > later && isAllowed(schedule, at, local)) ?? null;
  let local = toLocal(schedule.zone, Math.max(later, 0));
  for (;;) {
    const next = nextTime(schedule.source, local);
    if (next === null) return null;
    local = next;
    const { at, kind } = toMoment(schedule.zone, local);
    if (at > schedule.end) return null;
    // After clocks go back, the candidate may be a time that has fired already.
    if (at > later && isAllowed(schedule, at, local)) return { at, local, kind };
    // An excluded date may have 86,400 candidates, so the search continues at its last second.
    if (isExcluded(schedule, local)) local = Math.floor(local / DAY_MS) * DAY_MS + DAY_MS - 1;
  }
}

/** Throws ScheduleError with the reason if the schedule does not fire after `now`. */
export function checkFires(schedule: Schedule, now: number): void {
  if (nextFiring(schedule, now)) return;
  if (schedule.end <= now) throw new ScheduleError('schedule.end', 'it has passed: the schedule never fires again');
  if (nextFiring({ ...schedule, exclude: new Set() }, now))
    throw new ScheduleError('schedule.exclude', 'it excludes every firing of the schedule');
  if (Array.isArray(schedule.source) && schedule.source.every(({ at }) => at <= now))
    throw new ScheduleError('schedule.at', 'every time has passed: the schedule never fires');
  throw new ScheduleError('schedule', 'it has no firing between start and end');
}

/** The delay of a firing in ms: from 0 to the jitter, equal in every process. */
export function jitterOf(schedule: Schedule, salt: string, at: number): number {
  if (schedule.jitterMs === 0) return 0;
  const hash = createHash('sha256').update(`${salt} ${at}`).digest().readUInt32BE();
  return Math.floor((hash / 2 ** 32) * (schedule.jitterMs + 1));
}

/** `YYYY-MM-DDTHH:MM:SS` of a local time. */
export function toText(local: number): string {
  return new Date(local).toISOString().slice(0, 19);
}

function isAllowed(schedule: Schedule, at: number, local: number): boolean {
  return at <= schedule.end && !isExcluded(schedule, local);
}

export function isExcluded({ exclude }: Schedule, local: number): boolean {
  return exclude.size > 0 && exclude.has(toText(local).slice(0, 10));
}

function readZone(field: string, name = 'UTC'): string {
  if (!isTimeZone(name)) throw new ScheduleError(field, 'it must be an IANA time zone, such as Europe/Berlin');
  return name;
}

const MOMENT = 'it must be a date and time such as 2026-12-24T18:00:00, with an offset or without';

function readMoment(field: string, text: string, zone: string, recipient: boolean): PlannedMoment {
  const written = readTime(text);
  if (written === null) throw new ScheduleError(field, MOMENT);
  const { local, offset } = written;
  if (offset !== null && recipient)
    throw new ScheduleError(field, 'in the recipients’ time it must be without an offset');
  const planned =
    offset === null
      ? { ...toMoment(zone, local), local }
      : { at: local - offset, local: toLocal(zone, local - offset), kind: 'plain' as const };
  if (planned.at > LATEST) throw new ScheduleError(field, `it must not be after ${toText(LATEST).slice(0, 10)}`);
  return planned;
}

/** A date alone ends at the last millisecond before the next day. */
function endOf(text: string, zone: string, recipient: boolean): number {
  const { at, local } = readMoment('schedule.end', text, zone, recipient);
  return readTime(text)?.isDate ? toMoment(zone, local + DAY_MS).at - 1 : at;
}

function readDate(text: string): string {
  if (!readTime(text)?.isDate)
    throw new ScheduleError('schedule.exclude', 'each must be a date that exists, YYYY-MM-DD');
  return text;
}

function readJitter(seconds = 0): number {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_JITTER_S)
    throw new ScheduleError('schedule.jitterSeconds', `it must be 0 to ${MAX_JITTER_S}`);
  return seconds;
}
