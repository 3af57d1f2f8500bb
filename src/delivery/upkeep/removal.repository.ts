import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { HOUR_S } from '../../common/durations.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';

/** Housekeeping runs every minute: a longer pause between two runs means a step of the clock or a stop. */
const PAUSE_S = HOUR_S;
/** Processes read the clock at slightly different moments. */
const BACK_S = 60;

/** Stores what housekeeping of all processes knows about the clock. */
@Injectable()
export class RemovalRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Notes a run. Returns since when the clock has had no step, and the previous run. Epoch ms. */
  async look(now: number): Promise<{ settledAt: number; lastAt: number }> {
    const at = sql`${new Date(now)}::timestamptz`;
    const { rows } = await sql<{ settled_at: Date; last_at: Date }>`
      update housekeeping set looked_at = ${at}, settled_at = case
        when housekeeping.looked_at between ${at} - ${PAUSE_S} * interval '1 s' and ${at} + ${BACK_S} * interval '1 s'
        then housekeeping.settled_at else ${at} end
      from (select looked_at as last_at from housekeeping for update) as before
      returning settled_at, last_at`.execute(this.database.kysely);
    const { settled_at: settledAt, last_at: lastAt } = rows[0]!;
    return { settledAt: settledAt.getTime(), lastAt: lastAt.getTime() };
  }
}
