import { createHash } from 'node:crypto';
import { DAY_MS, HOUR_S } from '../../common/durations.js';
import { readTime } from '../../common/instant.js';
import { nextTime, parseCron } from './cron.js';
import type { Cron } from './cron.js';
import { ScheduleError } from './schedule.error.js';
import { isTimeZone, toLocal, toMoment } from './time-zone.js';
import type { Moment } from './time-zone.js';

/** When a campaign fires, pure. As callers write it; moments without an offset are wall-clock times of `timeZone`. */
export interface ScheduleSpec {
  /** Either this, or `at`. */
  cron?: string;
  /** Moments: ISO 8601, with an offset or without. */
  at?: string[];
  /** An IANA name, or `recipient`: each device's own. Default UTC. */
  timeZone?: string;
  /** Under `recipient`, of devices that have none. Default UTC. */
  defaultTimeZone?: string;
  /** The first and last moment at which it may fire; a date alone is the whole day. */
  start?: string;
  end?: string;
  /** Wall-clock dates, `YYYY-MM-DD`, on which it does not. */
  exclude?: string[];
  /** Each firing comes up to so many seconds late, by an amount of its own. */
  jitterSeconds?: number;
}

/** A schedule that was read. */
export interface Schedule {
  source: Cron | Planned[];
  /** Wall clock of `cron`, the dates, and moments without an offset. */
  zone: string;
  recipient: boolean;
  defaultZone: string;
  /** Epoch ms. */
  start: number;
  end: number;
  exclude: ReadonlySet<string>;
  jitterMs: number;
}

interface Planned extends Moment {
  local: number;
}

/** One firing: the wall-clock time that the schedule means, its moment, and what daylight saving does to it. */
export interface Firing extends Moment {
  local: number;
}

export const RECIPIENT = 'recipient';
/** East of all: a run in the recipients' time begins when its time comes there, and ends 26 hours later. */
export const EARLIEST_ZONE = 'Etc/GMT-14';
export const MAX_MOMENTS = 1_000;
const MAX_JITTER_S = HOUR_S;
/** With jitter and a way round the world what is later comes to years of five digits: PostgreSQL reads none of ISO 8601's. */
const LATEST = Date.UTC(9999, 11, 28);

/** Throws ScheduleError naming what is wrong. */
export function readSchedule(spec: ScheduleSpec): Schedule {
  const recipient = spec.timeZone === RECIPIENT;
  const zone = recipient ? EARLIEST_ZONE : readZone('schedule.timeZone', spec.timeZone);
  if (!recipient && spec.defaultTimeZone !== undefined)
    throw new ScheduleError('schedule.defaultTimeZone', 'it is for schedules in the recipients’ time only');
  if ((spec.cron === undefined) === (spec.at === undefined))
    throw new ScheduleError('schedule', 'either cron or at must be there, and not both');
  const moment = (field: string, text: string): Planned => readMoment(`schedule.${field}`, text, zone, recipient);
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
  if (schedule.start > schedule.end) throw new ScheduleError('schedule.end', 'it lies before the start');
  if (Array.isArray(schedule.source) && (schedule.source.length === 0 || schedule.source.length > MAX_MOMENTS))
    throw new ScheduleError('schedule.at', `it must have 1 to ${MAX_MOMENTS} moments`);
  return schedule;
}

/** The first firing after a moment (epoch ms); null: there is none any more. */
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
    // In an hour that comes twice the clock shows times again that have fired.
    if (at > later && isAllowed(schedule, at, local)) return { at, local, kind };
    // A date that is excluded has up to 86,400 times; on to its last second.
    if (isExcluded(schedule, local)) local = Math.floor(local / DAY_MS) * DAY_MS + DAY_MS - 1;
  }
}

/** Throws ScheduleError when it does not fire after `now` any more, with the reason. */
export function checkFires(schedule: Schedule, now: number): void {
  if (nextFiring(schedule, now)) return;
  if (schedule.end <= now) throw new ScheduleError('schedule.end', 'it has passed: the schedule never fires again');
  if (nextFiring({ ...schedule, exclude: new Set() }, now))
    throw new ScheduleError('schedule.exclude', 'it takes away every time at which the schedule would fire');
  if (Array.isArray(schedule.source) && schedule.source.every(({ at }) => at <= now))
    throw new ScheduleError('schedule.at', 'every moment has passed: the schedule never fires');
  throw new ScheduleError('schedule', 'no time of it lies between start and end: it never fires');
}

/** How much later than its moment a firing comes: from 0 to the jitter, the same in every process. */
export function jitterOf(schedule: Schedule, salt: string, at: number): number {
  if (schedule.jitterMs === 0) return 0;
  const hash = createHash('sha256').update(`${salt} ${at}`).digest().readUInt32BE();
  return Math.floor((hash / 2 ** 32) * (schedule.jitterMs + 1));
}

/** `YYYY-MM-DDTHH:MM:SS` of a wall-clock time. */
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

function readMoment(field: string, text: string, zone: string, recipient: boolean): Planned {
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

/** The end of a date alone is the last moment before the next day begins. */
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
