import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/**
 * Beyond this a moment that was written is of a clock that has gone back since. Less is a transaction that waited: its now()
 * is older than that of the one that wrote.
 */
const WENT_BACK_S = 20;

/** Ms that the clock has gone back since a row was written; 0: it has not. `now`: epoch ms of the same clock. */
export function wentBackBy(writtenAt: Date | null, now: number): number {
  const ms = writtenAt === null ? 0 : writtenAt.getTime() - now;
  return ms > WENT_BACK_S * 1_000 ? ms : 0;
}

/** The clock and a process's idea of it differ by less, but for statements that waited. */
const STEPPED_MS = 5_000;

/**
 * Whether the database's clock has stepped, and the process may not know. `now`: epoch ms, what the process carries on from a
 * look at the clock (database-watch.ts), which will tell the process of the step.
 */
export const hasStepped = (now: number): RawBuilder<boolean> =>
  sql`abs(extract(epoch from clock_timestamp()) * 1000 - ${now}::float8) >= ${STEPPED_MS}`;

/** A moment that was written, which cannot be later than now. Null: not known. */
export const isOfTheFuture = (writtenAt: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql`(${writtenAt} is not null and ${writtenAt} > now() + make_interval(secs => ${WENT_BACK_S}))`;

/**
 * A wait of a known longest length that is over. One of more than twice that was written before the clock went back: twice,
 * because a statement that waited for the row has an older now() than the one that wrote it.
 */
export const isOver = (until: RawBuilder<unknown>, longestS: number): RawBuilder<boolean> =>
  sql`(${until} <= now() or ${until} > now() + make_interval(secs => ${2 * longestS}))`;
