import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { UNSEEN, dayOf } from './device.repository.js';

/** Devices of one step: a transaction of some 20 ms. */
const STEP = 500;

/** Retires devices that nobody has seen, and deletes those retired long ago. Several schedulers share the work. */
@Injectable()
export class DeviceRetentionRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** One step over devices not seen since the day of `before`, the longest unseen first. False when there was nothing to do. */
  async retireUnseen(before: Date, now: Date): Promise<boolean> {
    const { rows } = await sql`
      update device set retired_reason = ${UNSEEN}, retired_at = ${now} where seq in (
        select seq from device where retired_at is null and seen_on < ${dayOf(before)}::date
        order by seen_on limit ${STEP} for update skip locked)
      returning seq`.execute(this.database.kysely);
    return rows.length > 0;
  }

  /** One step over devices retired before `before`, with their subscriptions. False when there was nothing to do. */
  async deleteRetired(before: Date): Promise<boolean> {
    const { rows } = await sql`
      delete from device where seq in (
        select seq from device where retired_at < ${before}
        order by retired_at limit ${STEP} for update skip locked)
      returning seq`.execute(this.database.kysely);
    return rows.length > 0;
  }
}
