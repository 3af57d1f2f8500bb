import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Tables } from '../database/tables.js';

/**
 * The number of devices, devices with Push.ALL (`broadcast`) or subscriptions of an application, as the sum of the
 * stored changes (migration 0011), without a scan. `where`: a condition on `name`, or on its column.
 */
export async function readTally(
  db: Kysely<Tables>,
  applicationId: string,
  kind: 'device' | 'broadcast' | 'subscription',
  where: RawBuilder<boolean> = sql`true`,
): Promise<number> {
  const column = sql.id(kind === 'subscription' ? 'tag_name' : 'platform');
  const { rows } = await sql<{ count: number }>`
    select coalesce(sum(amount), 0)::bigint as count from (
      select name as ${column}, amount from tally where application_id = ${applicationId} and kind = ${kind}) as change
    where ${where}`.execute(db);
  return rows[0]?.count ?? 0;
}

/** Rows per step: about 10 ms. */
const STEP = 2_000;

/** Where a step ended: the name of its last row. */
interface Place {
  application_id: string;
  kind: string;
  name: string;
}
const BEGINNING: Place = { application_id: '', kind: '', name: '' };

/**
 * Keeps the tally table small. Its trigger merges a name's rows about once per hundred changes, which a small tag may
 * never reach.
 */
@Injectable()
export class TallyRepository {
  private place = BEGINNING;

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * One step through the tally: merges the rows of each name into one, or none if their sum is 0. Skips rows that
   * another transaction is merging until the next round. Returns false at the end of a round.
   */
  async fold(): Promise<boolean> {
    const { application_id: applicationId, kind, name } = this.place;
    const { rows } = await sql<Place & { rows: number }>`
      with page as materialized (
        select id, application_id, kind, name, amount from tally
        where (application_id, kind, name) > (${applicationId}, ${kind}, ${name})
        order by application_id, kind, name limit ${STEP}),
      untidy as (
        select application_id, kind, name from page
        group by application_id, kind, name having count(*) > 1 or sum(amount) = 0),
      gone as (
        delete from tally where id in (
          select tally.id from page join untidy using (application_id, kind, name) join tally on tally.id = page.id
          for update of tally skip locked)
        returning application_id, kind, name, amount),
      folded as (
        insert into tally (application_id, kind, name, amount)
        select application_id, kind, name, sum(amount) from gone
        group by application_id, kind, name having sum(amount) <> 0)
      select application_id, kind, name, (select count(*)::int from page) as rows from page
      order by application_id desc, kind desc, name desc limit 1`.execute(this.database.kysely);
    const [last] = rows;
    const more = last !== undefined && last.rows === STEP;
    this.place = more ? last : BEGINNING;
    return more;
  }
}
