import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { HOUR_S } from '../../common/durations.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';

/** Housekeeping looks every minute: a longer pause between two looks is a step of the clock, or nothing ran. */
const PAUSE_S = HOUR_S;
/** Processes read the clock at slightly different moments. */
const BACK_S = 60;

/** What housekeeping of all processes knows of the clock. */
@Injectable()
export class RemovalRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Notes a look. Answers since when the clock has gone on without a step, and the last look before. Epoch ms. */
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
