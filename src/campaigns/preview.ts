import { finishOf } from '../delivery/expand/message-rate.js';
import { lastToFinish } from '../messages/send/estimate.js';
import type { Binding, Share } from '../messages/send/estimate.js';
import { toBindingAnswer } from '../messages/send/estimate.answers.js';
import type { BindingAnswer } from '../messages/send/estimate.answers.js';
import type { Definition } from './campaign.js';
import { ttlOf } from './firing/campaign.rules.js';
import { jitterOf, nextFiring, readSchedule, toText } from './schedule/schedule.js';
import type { Firing, Schedule } from './schedule/schedule.js';
import { toLocal } from './schedule/time-zone.js';
import { planWaves, quietTimes } from './firing/wave.js';
import type { WavePlan } from './firing/wave.js';

type FiringBinding =
  | Binding
  | { kind: 'rate'; perSecond: number }
  | { kind: 'spread' }
  /** The rate of the campaign, with quiet hours in between. */
  | { kind: 'quietHours' };

/** Previews a campaign's firings, pure. Times are ISO 8601. */
export interface PreviewedFiring {
  /** In the time zone of the schedule, or of the recipients. */
  localTime: string;
  /** UTC; in the recipients' time, the earliest. */
  time: string;
  /** Only in the recipients' time or with quiet hours: the latest. */
  lastTime?: string;
  waves?: number;
  /** When the last delivery is sent, for the current audience: an estimate. */
  finishTime: string;
  /** The cause that decides the end. */
  binding: BindingAnswer;
  notes: FiringNote[];
}

/** An effect of daylight saving, quiet hours or the time to live. */
export interface FiringNote {
  code: (typeof NOTE_CODES)[number];
  message: string;
  /** Of `gap`: the local time at which the campaign fires. */
  localTime?: string;
  /** Of `held` and `dropped`: their number. */
  waves?: number;
}

export const NOTE_CODES = ['recipientTime', 'gap', 'fold', 'held', 'dropped', 'afterTtl'] as const;

/** An end that comes later by less is the same. */
const NOTICEABLE_MS = 1_000;

/**
 * The next firings after a time, up to another (epoch ms), for an audience with these shares of the providers. Throws
 * ScheduleError.
 */
export function previewFirings(
  definition: Definition,
  salt: string,
  after: number,
  count: number,
  audience: readonly Share[],
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
  audience: readonly Share[],
): PreviewedFiring {
  const { quietHours } = definition.policies ?? {};
  const ttlSeconds = ttlOf(definition);
  const waves = planWaves({ schedule, quietHours, ttlSeconds, salt }, firing);
  const sent = waves.filter(({ dropped }) => dropped === null);
  const first = sent[0]?.dueAt ?? firing.at + jitterOf(schedule, salt, firing.at);
  const last = sent.at(-1)?.dueAt ?? first;
  const { finish, binding } = endOf(definition, schedule, audience, first, last);
  return {
    localTime: toText(firing.local),
    time: iso(first),
    ...(waves.length > 1 && { lastTime: iso(last), waves: waves.length }),
    finishTime: iso(finish),
    binding: toBindingAnswer(binding),
    notes: [
      ...daylightSaving(schedule, firing),
      ...quiet(waves),
      ...(finish > (sent.at(-1)?.scheduledAt ?? first) + ttlSeconds * 1_000
        ? [{ code: 'afterTtl' as const, message: 'deliveries due after the time to live are not sent' }]
        : []),
    ],
  };
}

interface End {
  finish: number;
  binding: FiringBinding;
}

function endOf(
  definition: Definition,
  schedule: Schedule,
  audience: readonly Share[],
  first: number,
  last: number,
): End {
  const ruled = endByRules(definition, schedule, audience, first, last);
  // The providers' limits are those of now; messages under way now have ended by then.
  const sent = lastToFinish(
    audience.map(({ limits, count }) => ({ limits: { ...limits, ahead: 0 }, count })),
    last,
  );
  return sent && sent.finishAt > ruled.finish + NOTICEABLE_MS
    ? { finish: sent.finishAt, binding: sent.binding }
    : ruled;
}

function endByRules(
  definition: Definition,
  schedule: Schedule,
  audience: readonly Share[],
  first: number,
  last: number,
): End {
  const { ratePerSecond, spreadSeconds, quietHours } = definition.policies ?? {};
  if (spreadSeconds !== undefined) return { finish: last + spreadSeconds * 1_000, binding: { kind: 'spread' } };
  if (ratePerSecond !== undefined) {
    const zone = schedule.recipient ? schedule.defaultZone : schedule.zone;
    const times = quietHours?.action === 'hold' ? quietTimes(quietHours, zone, first) : [];
    const size = audience.reduce((sum, { count }) => sum + count, 0);
    const finish = finishOf(size, ratePerSecond, first, times);
    const isHeld = finish > finishOf(size, ratePerSecond, first) + NOTICEABLE_MS;
    if (finish > last)
      return { finish, binding: isHeld ? { kind: 'quietHours' } : { kind: 'rate', perSecond: ratePerSecond } };
  }
  return { finish: last, binding: { kind: 'time', until: last } };
}

function daylightSaving(schedule: Schedule, { kind, local, at }: Firing): FiringNote[] {
  if (schedule.recipient) {
    const message = 'at this local time of each recipient; if a clock skips it, at the next minute that exists';
    return [{ code: 'recipientTime', message }];
  }
  if (kind === 'gap') {
    const localTime = toText(toLocal(schedule.zone, at));
    const message = `${toText(local)} does not exist in ${schedule.zone}: the campaign fires at ${localTime}`;
    return [{ code: 'gap', message, localTime }];
  }
  if (kind === 'fold') {
    const message = `${toText(local)} comes twice in ${schedule.zone}: the campaign fires the first time`;
    return [{ code: 'fold', message }];
  }
  return [];
}

function quiet(waves: readonly WavePlan[]): FiringNote[] {
  const dropped = waves.filter((wave) => wave.dropped !== null).length;
  const held = waves.filter((wave) => wave.dropped === null && wave.dueAt > wave.scheduledAt).length;
  const notes: FiringNote[] = [
    { code: 'held', message: `${held} of ${waves.length} waves are held until quiet hours have ended`, waves: held },
    { code: 'dropped', message: `${dropped} of ${waves.length} waves are dropped in quiet hours`, waves: dropped },
  ];
  return notes.filter((note) => note.waves !== 0);
}

function iso(at: number): string {
  return new Date(Math.round(at)).toISOString();
}
