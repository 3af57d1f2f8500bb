import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { OUTCOME_NAMES } from '../delivery/outcome.js';
import { KEPT_DAYS, STEPS, secondsOf } from './points.js';
import type { Range, Step, Sum } from './points.js';

/** Changes per step. */
const LOT = 5_000;
/** Old rows per step. */
const OLD = 1_000;
/** In place of an application: the sum of all. */
const ALL = '';

const STEP_SECONDS = sql.join((Object.keys(STEPS) as Step[]).map((step) => sql.lit(secondsOf(step))));
const COUNTS = OUTCOME_NAMES.map((_name, code) => sql`counts[${sql.lit(code + 1)}]`);
const SUMS = sql.join(COUNTS.map((count) => sql`coalesce(sum(${count}), 0)`));
const ADDED = sql.join(COUNTS.map((count) => sql`statistic.${count} + excluded.${count}`));

/** Times are those of the transactions that made the changes, by the database's clock. */
@Injectable()
export class StatisticRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** One statement, so that a change is counted once while it is folded. `applicationId` null: all applications. */
  async read(applicationId: string | null, { from, to, step }: Range): Promise<Sum[]> {
    const owner = applicationId ?? ALL;
    const [begin, end] = [new Date(from), new Date(to)];
    const { rows } = await sql<Sum>`
      select at, name, array[${SUMS}]::float8[] as counts from (
        select at, name, counts from statistic
        where application_id = ${owner} and step = ${secondsOf(step)} and at >= ${begin} and at < ${end}
        union all
        select ${beginOf(sql`${secondsOf(step)}::integer`)}, name, counts from statistic_change
        where at >= ${begin} and at < ${end} and ${applicationId === null ? sql`true` : sql`application_id = ${owner}`}
      ) as part
      group by at, name order by at`.execute(this.database.reader);
    return rows;
  }

  /**
   * One step: adds changes to the rows of their minute, hour and day. Several processes take different changes. Returns
   * false if fewer were left than a step takes. Changes of a removed application count for all applications only.
   */
  async fold(): Promise<boolean> {
    const { rows } = await sql<{ taken: number }>`
      with gone as (
        delete from statistic_change where id = any (array(
          select id from statistic_change order by id limit ${LOT} for update skip locked))
        returning application_id, at, name, counts),
      change as (
        select owner.id as application_id, step, ${beginOf(sql`step`)} as at, name, array[${SUMS}] as counts
        from gone cross join unnest(array[${STEP_SECONDS}]) as step
          cross join lateral (select ${ALL}::text as id
            union all select id from application where application.id = gone.application_id) as owner
        group by 1, 2, 3, 4),
      added as (
        insert into statistic (application_id, step, at, name, counts)
        select application_id, step, at, name, counts from change order by application_id, step, at, name
        on conflict (application_id, step, at, name) do update set counts = array[${ADDED}])
      select count(*)::integer as taken from gone`.execute(this.database.kysely);
    return rows[0]?.taken === LOT;
  }

  /** One step of removing old minutes or hours. Returns false if none was left. */
  async forget(step: keyof typeof KEPT_DAYS): Promise<boolean> {
    const { numAffectedRows = 0n } = await sql`
      delete from statistic where (application_id, step, at, name) in (
        select application_id, step, at, name from statistic
        where step = ${secondsOf(step)} and at < now() - make_interval(days => ${KEPT_DAYS[step]})
        order by step, at limit ${OLD})`.execute(this.database.kysely);
    return numAffectedRows === BigInt(OLD);
  }
}

/** The begin of the step that contains `at`; days are those of UTC. */
function beginOf(seconds: RawBuilder<unknown>): RawBuilder<Date> {
  return sql<Date>`to_timestamp(floor(extract(epoch from at) / ${seconds}) * ${seconds})`;
}
