import { SECOND_MS } from '../../common/durations.js';
import type { QuietTime } from '../../database/tables.js';

/** Distributes the deliveries of a message with a rate over time, pure. Times are epoch ms with a fraction. */

/**
 * The unit of a rate in seconds: the deliveries of one second are a batch; at less than one per second each is a batch.
 */
const STEP_S = 1;
const MAX_STEP = 1_000;
/** How long before their due time deliveries are prepared. */
export const AHEAD_MS = 10_000;
const PAGE_MS = 5_000;
const MAX_PAGE = 10_000;

/** Number of deliveries that are due together. */
export function stepSize(perSecond: number): number {
  return Math.min(MAX_STEP, Math.max(1, Math.floor(perSecond * STEP_S)));
}

/** Deliveries per page of the expansion: whole steps. */
export function pageSize(perSecond: number): number {
  const size = stepSize(perSecond);
  return Math.min(MAX_PAGE, Math.ceil((perSecond * PAGE_MS) / SECOND_MS / size) * size);
}

/** Cuts members into steps, the first due at `from`; `next` is the time after the last step. */
export function layOut<T>(
  members: readonly T[],
  perSecond: number,
  from: number,
  quiet: readonly QuietTime[] = [],
): { steps: { due: number; members: T[] }[]; next: number } {
  const size = stepSize(perSecond);
  const cut: T[][] = [];
  for (let at = 0; at < members.length; at += size) cut.push(members.slice(at, at + size));
  const sizes = cut.map(({ length }) => length);
  const { dues, next } = placeSteps(sizes, perSecond, from, quiet);
  return { steps: cut.map((step, index) => ({ due: dues[index]!, members: step })), next };
}

/** Moves batches in the order of `due` so that the first step begins at `from`. Batches of one time are one step. */
export function placeBatches<T extends { due: number; size: number }>(
  batches: readonly T[],
  perSecond: number,
  from: number,
  quiet: readonly QuietTime[],
): { placed: T[]; next: number } {
  const sizes = new Map<number, number>();
  for (const { due, size } of batches) sizes.set(due, (sizes.get(due) ?? 0) + size);
  const { dues, next } = placeSteps([...sizes.values()], perSecond, from, quiet);
  const moved = new Map([...sizes.keys()].map((due, index) => [due, dues[index]!]));
  return { placed: batches.map((batch) => ({ ...batch, due: moved.get(batch.due)! })), next };
}

/** When steps of these sizes are due, the first at `from`; `next` is the time after the last one. */
function placeSteps(
  sizes: readonly number[],
  perSecond: number,
  from: number,
  quiet: readonly QuietTime[],
): { dues: number[]; next: number } {
  let next = from;
  const dues = sizes.map((size) => {
    const due = afterQuiet(next, quiet);
    next = due + (size / perSecond) * SECOND_MS;
    return due;
  });
  return { dues, next };
}

/** The time itself, or the end of the quiet time that contains it. */
export function afterQuiet(moment: number, quiet: readonly QuietTime[]): number {
  let at = moment;
  for (const [from, to] of quiet) if (at >= from && at < to) at = to;
  return at;
}

/** When the last of `count` deliveries is due. */
export function finishOf(count: number, perSecond: number, from: number, quiet: readonly QuietTime[] = []): number {
  let at = afterQuiet(from, quiet);
  let left = (Math.max(0, count - 1) / perSecond) * SECOND_MS;
  for (const [start, end] of quiet) {
    if (start < at) continue;
    if (start - at > left) break;
    left -= start - at;
    at = end;
  }
  return at + left;
}
