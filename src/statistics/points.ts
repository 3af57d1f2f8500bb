import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../common/durations.js';
import { invalidValue } from '../common/errors.js';
import { readInstant } from '../common/instant.js';
import { readWord } from '../common/query.js';
import { OUTCOME_NAMES } from '../delivery/outcome.js';
import type { OutcomeName } from '../delivery/outcome.js';

/** Points of a time series, pure. */

export const STEPS = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS } as const;
export type Step = keyof typeof STEPS;
const STEP_NAMES = Object.keys(STEPS) as Step[];

/** A day of minutes is 1,440; a chart has fewer columns of pixels. */
export const MOST_POINTS = 1_500;

/** Days that the rows of a step are kept: minutes for what has just happened, hours for a season. Days stay. */
export const KEPT_DAYS: Readonly<Record<Exclude<Step, 'day'>, number>> = { minute: 3, hour: 100 };

export type SettledName = Exclude<OutcomeName, 'pending' | 'inFlight'>;
export const SETTLED_NAMES = OUTCOME_NAMES.filter(
  (name): name is SettledName => name !== 'pending' && name !== 'inFlight',
);

export interface Range {
  /** Epoch ms, at the begin of a step; `to` is not included. */
  from: number;
  to: number;
  step: Step;
}

/** The sum of one name in one step. */
export interface Sum {
  at: Date;
  /** A provider, `message`, `device` or `receipt`. */
  name: string;
  /** Position = outcome code, of `receipt` that in RECEIPTS; one number for `message` and `device`. */
  counts: number[];
}

/** In the order of their counts in a row. */
export const RECEIPTS = ['displayed', 'opened', 'dismissed', 'actions'] as const;

export interface Point {
  time: string;
  accepted: number;
  outcomes: Record<string, Partial<Record<SettledName, number>>>;
  registrations: number;
  /** Absent: none. */
  receipts?: Record<(typeof RECEIPTS)[number], number>;
}

/**
 * Widened to whole steps. By default the hour, the day or the 30 days before `now` (epoch ms). Throws FPWSE0005E.
 */
export function readRange(query: { from?: string; to?: string; step?: string }, now: number): Range {
  const step = readWord('step', query.step, STEP_NAMES) ?? 'minute';
  const ms = STEPS[step];
  const to = Math.ceil((query.to === undefined ? now : readInstant('to', query.to)) / ms) * ms;
  const usual = { minute: HOUR_MS, hour: DAY_MS, day: 30 * DAY_MS }[step];
  const from = query.from === undefined ? to - usual : Math.floor(readInstant('from', query.from) / ms) * ms;
  if (from >= to) throw invalidValue('from', 'it must be before to');
  if ((to - from) / ms > MOST_POINTS)
    throw invalidValue('step', `from ${MOST_POINTS} points on, choose a longer step or a shorter time`);
  if (step !== 'day' && from < now - KEPT_DAYS[step] * DAY_MS)
    throw invalidValue('from', `steps of a ${step} are kept for ${KEPT_DAYS[step]} days: choose a longer step`);
  return { from, to, step };
}

/** A point for each step, also where nothing was counted. */
export function toPoints({ from, to, step }: Range, sums: readonly Sum[]): Point[] {
  const ms = STEPS[step];
  const points = Array.from({ length: (to - from) / ms }, (_, index): Point => {
    return { time: new Date(from + index * ms).toISOString(), accepted: 0, outcomes: {}, registrations: 0 };
  });
  for (const { at, name, counts } of sums) {
    const point = points[(at.getTime() - from) / ms];
    if (!point) continue;
    const [count = 0] = counts;
    if (name === 'message') point.accepted += count;
    else if (name === 'device') point.registrations += count;
    else if (name === 'receipt') point.receipts = toReceipts(counts);
    else point.outcomes[name] = toOutcomes(counts);
  }
  return points;
}

/** Without the outcomes that did not change. */
function toOutcomes(counts: readonly number[]): Point['outcomes'][string] {
  return Object.fromEntries(
    SETTLED_NAMES.map((name) => [name, counts[OUTCOME_NAMES.indexOf(name)] ?? 0] as const).filter(
      ([, count]) => count !== 0,
    ),
  );
}

function toReceipts(counts: readonly number[]): Point['receipts'] {
  return Object.fromEntries(RECEIPTS.map((name, index) => [name, counts[index] ?? 0])) as Point['receipts'];
}

/** In seconds, as the rows have it. */
export function secondsOf(step: Step): number {
  return STEPS[step] / SECOND_MS;
}
