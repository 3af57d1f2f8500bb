import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Role } from '../role.js';

/** A process that has not been seen for this long is lost; a beat takes five seconds (health/presence.ts). */
export const LOST_S = 15;
/** A role that has not been seen for this long is missing, if something waits for it. A restart takes less. */
export const MISSING_S = 60;

/**
 * When a process of this role was last seen; null if none was in the last hour. Reads the whole table, some tens of
 * rows.
 */
export function lastSeen(role: Role): RawBuilder<Date | null> {
  return sql`(select max(coalesce(ended_at, seen_at)) from process where ${sql.lit(role)} = any(roles))`;
}
