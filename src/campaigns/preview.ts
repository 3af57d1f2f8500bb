import { finishOf } from '../delivery/expand/message-rate.js';
import type { Definition } from './campaign.js';
import { ttlOf } from './firing/campaign.rules.js';
import { jitterOf, nextFiring, readSchedule, toText } from './schedule/schedule.js';
import type { Firing, Schedule } from './schedule/schedule.js';
import { toLocal } from './schedule/time-zone.js';
import { planWaves, quietTimes } from './firing/wave.js';
import type { WavePlan } from './firing/wave.js';

/** Previews a campaign's firings, pure. Times are ISO 8601. */
export interface PreviewedFiring {
  /** In the time zone of the schedule, or of the recipients. */
  localTime: string;
  /** UTC; in the recipients' time, the earliest. */
  time: string;
  /** Only in the recipients' time or with quiet hours: the latest. */
  lastTime?: string;
  waves?: number;
  /** When the last delivery is due, for the current audience. */
  finishTime: string;
  /** Effects of daylight saving, quiet hours and the time to live. */
  notes: string[];
}

/** The next firings after a time, up to another (epoch ms), for an audience of this size. Throws ScheduleError. */
export function previewFirings(
  definition: Definition,
  salt: string,
  after: number,
  count: number,
  audience: number,
  until = Infinity,
): PreviewedFiring[] {
  const schedule = readSchedule(definition.schedule);
  const found: PreviewedFiring[] = [];
  for (
    let next = nextFiring(schedule, after);
    next && next.at <= until && found.length < count;
    next = nextFiring(schedule, next.at)
  )
    found.push(previewFiring(definition, schedule, salt, next, audience));
  return found;
}

function previewFiring(
  definition: Definition,
  schedule: Schedule,
  salt: string,
  firing: Firing,
  audience: number,
): PreviewedFiring {
  const { quietHours } = definition.policies ?? {};
  const ttlSeconds = ttlOf(definition);
  const waves = planWaves({ schedule, quietHours, ttlSeconds, salt }, firing);
  const sent = waves.filter(({ dropped }) => dropped === null);
  const first = sent[0]?.dueAt ?? firing.at + jitterOf(schedule, salt, firing.at);
  const last = sent.at(-1)?.dueAt ?? first;
  const finish = finishTime(definition, schedule, audience, first, last);
  return {
    localTime: toText(firing.local),
    time: iso(first),
    ...(waves.length > 1 && { lastTime: iso(last), waves: waves.length }),
    finishTime: iso(finish),
    notes: [
      ...daylightSaving(schedule, firing),
      ...quiet(waves),
      ...(finish > (sent.at(-1)?.scheduledAt ?? first) + ttlSeconds * 1_000
        ? ['deliveries due after the time to live are not sent']
        : []),
    ],
  };
}

function finishTime(definition: Definition, schedule: Schedule, audience: number, first: number, last: number): number {
  const { ratePerSecond, spreadSeconds, quietHours } = definition.policies ?? {};
  if (spreadSeconds !== undefined) return last + spreadSeconds * 1_000;
  if (ratePerSecond === undefined) return last;
  const zone = schedule.recipient ? schedule.defaultZone : schedule.zone;
  const times = quietHours?.action === 'hold' ? quietTimes(quietHours, zone, first) : [];
  return Math.max(last, finishOf(audience, ratePerSecond, first, times));
}

function daylightSaving(schedule: Schedule, { kind, local, at }: Firing): string[] {
  if (schedule.recipient)
    return ['at this local time of each recipient; if a clock skips it, at the next minute that exists'];
  if (kind === 'gap')
    return [
      `${toText(local)} does not exist in ${schedule.zone}: the campaign fires at ${toText(toLocal(schedule.zone, at))}`,
    ];
  if (kind === 'fold') return [`${toText(local)} comes twice in ${schedule.zone}: the campaign fires the first time`];
  return [];
}

function quiet(waves: readonly WavePlan[]): string[] {
  const dropped = waves.filter((wave) => wave.dropped !== null).length;
  const held = waves.filter((wave) => wave.dropped === null && wave.dueAt > wave.scheduledAt).length;
  return [
    ...(held > 0 ? [`${held} of ${waves.length} waves are held until quiet hours have ended`] : []),
    ...(dropped > 0 ? [`${dropped} of ${waves.length} waves are dropped in quiet hours`] : []),
  ];
}

function iso(at: number): string {
  return new Date(Math.round(at)).toISOString();
}
