import type { ClockName } from './stage.js';

/** The clock to change, and the change. */
export interface Step {
  who: string;
  clocks: readonly ClockName[];
  by: string;
  /** Seconds that the clock is ahead of the true time. */
  seconds: () => number;
  /** A worker is killed while its clock is wrong, and started again when it is right. */
  kills?: true;
}

const HOUR_S = 3_600;
const DAY_S = 86_400;
const WHO: Record<string, readonly ClockName[]> = {
  'one worker': ['worker'],
  'the processes': ['api', 'worker', 'spare'],
  'the database': ['database'],
  all: ['database', 'api', 'worker', 'spare'],
};
const BY: Record<string, () => number> = {
  '+1 h': () => HOUR_S,
  '-1 h': () => -HOUR_S,
  '+1 d': () => DAY_S,
  '-1 d': () => -DAY_S,
  '+40 d': () => 40 * DAY_S,
  '-40 d': () => -40 * DAY_S,
  // Ten minutes after the start of a machine without a battery.
  '1970': () => 600 - Date.now() / 1_000,
  '2100': () => (Date.UTC(2100, 0, 1) - Date.now()) / 1_000,
};

const step = (who: string, by: string): Step => ({ who, clocks: WHO[who]!, by, seconds: BY[by]! });
const WITHOUT: Step = { who: 'nothing', clocks: [], by: '', seconds: () => 0 };

/** All combinations, except days for one worker, which stops at an hour as it does at forty days. */
export const STEPS: readonly Step[] = [
  WITHOUT,
  ...['+1 h', '-1 h', '1970', '2100'].map((by) => step('one worker', by)),
  ...['+1 h', '-1 h', '+40 d', '1970', '2100'].map((by) => step('the processes', by)),
  ...['database', 'all'].flatMap((name) =>
    Object.keys(BY).map((by) => step(name === 'all' ? name : `the ${name}`, by)),
  ),
  { ...step('all', '+1 h'), kills: true },
  { ...step('all', '-1 h'), kills: true },
];

/** Ahead: a push service refuses tokens of such a clock, and the pause that follows has to end as well. */
export const SHORT: readonly Step[] = [{ ...step('all', '+1 h'), kills: true }];
