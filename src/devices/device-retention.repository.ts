import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { EARLIEST } from '../common/clock.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { countDue } from '../database/due.js';
import type { Due } from '../database/due.js';
import { UNSEEN, dayOf } from './device.repository.js';

/** Devices per step: a transaction of about 20 ms. */
const STEP = 500;

/** How many devices of an application and provider a step has retired. */
export interface RetiredDevices {
  applicationId: string;
  provider: string;
  devices: number;
}

/**
 * Retires devices that have not been seen for long, and deletes devices retired long ago. Several schedulers share the
 * work.
 */
@Injectable()
export class DeviceRetentionRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  countUnseen(before: Date): Promise<Due> {
    return countDue(this.database, sql`device where ${isUnseen(before)}`, sql`device where retired_at is null`);
  }

  countRetired(before: Date): Promise<Due> {
    return countDue(this.database, sql`device where ${isRetired(before)}`, sql`device`);
  }

  /** One step over devices with a date from a wrong clock, in 1970 or in the future: they count as seen now. */
  async correctSeen(now: Date): Promise<boolean> {
    const { rows } = await sql`
      update device set seen_on = ${dayOf(now)}::date where seq = any (array(
        select seq from device where retired_at is null
          and (seen_on < ${dayOf(new Date(EARLIEST))}::date or seen_on > ${dayOf(now)}::date + 1)
        limit ${STEP} for update skip locked))
      returning seq`.execute(this.database.kysely);
    return rows.length > 0;
  }

  /** One step over devices not seen since the day of `before`, the longest unseen first. Empty: nothing was to do. */
  async retireUnseen(before: Date, now: Date): Promise<RetiredDevices[]> {
    const { rows } = await sql<RetiredDevices>`
      with retired as (
        update device set retired_reason = ${UNSEEN}, retired_at = ${now} where seq = any (array(
          select seq from device where ${isUnseen(before)}
          order by seen_on limit ${STEP} for update skip locked))
        returning application_id, provider)
      select application_id as "applicationId", provider, count(*)::integer as devices
      from retired group by application_id, provider`.execute(this.database.kysely);
    return rows;
  }

  /**
   * One step over devices retired before `before`, with their subscriptions. Returns false if there was nothing to do.
   */
  async deleteRetired(before: Date): Promise<boolean> {
    const { rows } = await sql`
      delete from device where seq = any (array(
        select seq from device where ${isRetired(before)}
        order by retired_at limit ${STEP} for update skip locked))
      returning seq`.execute(this.database.kysely);
    return rows.length > 0;
  }
}

function isUnseen(before: Date) {
  return sql`retired_at is null and seen_on < ${dayOf(before)}::date`;
}

function isRetired(before: Date) {
  return sql`retired_at < ${before}`;
}
