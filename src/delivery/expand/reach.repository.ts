import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { bigints } from '../../database/bigints.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { Tx } from '../../database/transaction.js';
import type { AudienceMember } from '../../devices/audience.repository.js';
import { dayBefore } from './reach.js';

/** Rows per cleaning step. */
const STEP = 10_000;

/** Counts campaign messages per person in 24 hours. A person is a user, or a device without a user. */
@Injectable()
export class ReachRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Counts the message once per person, for all devices of the person and any number of calls. Returns the members
   * whose person had received fewer than `cap` messages. Null: no cap, returns all members. One statement per page, in
   * the order of persons, so that two concurrent pages cannot deadlock.
   */
  async admit(
    applicationId: string,
    members: readonly AudienceMember[],
    message: { key: number; cap: number | null },
    transaction: Tx,
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

  /** Deletes persons without a message since a key. Returns false if none was left. */
  async forget(before: number): Promise<boolean> {
    const { rows } = await sql`
      delete from reach where ctid = any(array(
        select ctid from reach where keys[cardinality(keys)] < ${before} limit ${STEP}))
      returning 1`.execute(this.database.kysely);
    return rows.length === STEP;
  }
}
