import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/**
 * Seconds. A stored time further in the future was written before the clock was set back. A smaller difference is a
 * transaction that waited: its now() is older than that of the transaction that wrote.
 */
const WENT_BACK_S = 20;

/** Ms by which the clock was set back since a row was written; 0: not set back. `now`: epoch ms of the same clock. */
export function wentBackBy(writtenAt: Date | null, now: number): number {
  const ms = writtenAt === null ? 0 : writtenAt.getTime() - now;
  return ms > WENT_BACK_S * 1_000 ? ms : 0;
}

/** Without a step, the clock and a process's estimate differ by less, except for statements that waited. */
const STEPPED_MS = 5_000;

/**
 * Whether the database's clock has stepped without the process knowing yet. `now`: epoch ms by the process's estimate
 * (database-watch.ts), which the next check corrects.
 */
export const hasStepped = (now: number): RawBuilder<boolean> =>
  sql`abs(extract(epoch from clock_timestamp()) * 1000 - ${now}::float8) >= ${STEPPED_MS}`;

/** Whether a stored time of writing lies in the future. Null: unknown. */
export const isOfTheFuture = (writtenAt: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql`(${writtenAt} is not null and ${writtenAt} > now() + make_interval(secs => ${WENT_BACK_S}))`;

/**
 * Whether a wait with a known maximum is over. A wait of more than twice the maximum was written before the clock was
 * set back; twice, because a statement that waited for the row has an older now() than the one that wrote.
 */
export const isWaitOver = (until: RawBuilder<unknown>, longestS: number): RawBuilder<boolean> =>
  sql`(${until} <= now() or ${until} > now() + make_interval(secs => ${2 * longestS}))`;
