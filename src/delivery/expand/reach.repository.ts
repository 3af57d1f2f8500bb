import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { bigints } from '../../database/bigints.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { Tables } from '../../database/tables.js';
import type { AudienceMember } from '../../devices/audience.repository.js';
import { dayBefore } from './reach.js';

/** Rows of one step of tidying. */
const STEP = 10_000;

/** Counts how often campaigns have reached each person in 24 hours. A person is a user, or a device without one. */
@Injectable()
export class ReachRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Counts the message for the members' persons, once for all of a person's devices and however often it is asked; answers
   * the members whose person had been reached less than `cap` times. Null: no cap, all of them. One statement for a page;
   * in order of persons, so that two pages that meet wait for each other and never in a circle.
   */
  async admit(
    applicationId: string,
    members: readonly AudienceMember[],
    message: { key: number; cap: number | null },
    transaction: Transaction<Tables>,
  ): Promise<AudienceMember[]> {
    const since = dayBefore(message.key);
    const recent = sql`array(select key from unnest(reach.keys) as key where key > ${since})`;
    const enough =
      message.cap === null
        ? sql`false`
        : sql`cardinality(${recent}) >= ${message.cap} and not ${message.key} = any(reach.keys)`;
    const { rows } = await sql<{ seq: number }>`
      with member as (
          select seq, coalesce('u' || user_id, 'd' || device_id) as person from device
          where seq = any(${bigints(members.map(({ seq }) => seq))})),
        admitted as (
          insert into reach (application_id, person, keys)
          select distinct ${applicationId}, person, array[${message.key}::bigint] from member order by person
          on conflict (application_id, person) do update set keys =
            case when ${message.key} = any(reach.keys) then reach.keys else ${recent} || ${message.key}::bigint end
          where not (${enough})
          returning person)
      select seq from member join admitted using (person)`.execute(transaction);
    const admitted = new Set(rows.map(({ seq }) => seq));
    return members.filter(({ seq }) => admitted.has(seq));
  }

  /** Forgets persons who have not been reached since a key; false when none was left. */
  async forget(before: number): Promise<boolean> {
    const { rows } = await sql`
      delete from reach where ctid = any(array(
        select ctid from reach where keys[cardinality(keys)] < ${before} limit ${STEP}))
      returning 1`.execute(this.database.kysely);
    return rows.length === STEP;
  }
}
