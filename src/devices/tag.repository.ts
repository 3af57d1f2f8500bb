import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { EXACT_OR_CONTAINS } from '../common/filter.js';
import type { Filter } from '../common/filter.js';
import type { Page, PageRequest } from '../common/paging.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { readList, sameOrContains, toSql } from '../database/list.js';
import type { List } from '../database/list.js';

export interface Tag {
  name: string;
  description: string;
  createdAt: Date;
  updatedAt: Date;
  /** Number of subscribed devices; undefined if not requested. */
  subscriptions?: number;
}

export const TAG_FILTERS = { name: EXACT_OR_CONTAINS, description: EXACT_OR_CONTAINS };

@Injectable()
export class TagRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Returns undefined if the name is taken. */
  async add(applicationId: string, name: string, description: string, now: Date): Promise<Tag | undefined> {
    const added = await this.database.kysely
      .insertInto('tag')
      .values({ application_id: applicationId, name, description, created_at: now, updated_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .returning('name')
      .executeTakeFirst();
    return added && { name, description, createdAt: now, updatedAt: now };
  }

  async find(applicationId: string, name: string, counted: boolean): Promise<Tag | undefined> {
    const { rows } = await sql<Tag>`
      select ${columns(counted)} from tag where application_id = ${applicationId} and name = ${name}`.execute(
      this.database.kysely,
    );
    return rows[0];
  }

  list(applicationId: string, filter: Filter, page: PageRequest, counted: boolean): Promise<Page<Tag>> {
    const where = toSql(filter, (condition) => sameOrContains(sql.ref(condition.name), condition));
    const tags: List<Tag> = {
      keys: { name: 'text' },
      from: sql`tag where application_id = ${applicationId} and ${where}`,
      rows: (keys) => sql`select ${columns(counted)} from tag join (${keys}) as page using (name)
        where application_id = ${applicationId}`,
    };
    return readList(this.database.reader, tags, page);
  }

  /** Returns the tag, and its description before; undefined if there is no such tag. An omitted description stays. */
  async change(
    applicationId: string,
    name: string,
    description: string | undefined,
    now: Date,
  ): Promise<{ tag: Tag; before: string } | undefined> {
    const { rows } = await sql<Tag & { before: string }>`
      update tag set description = coalesce(${description ?? null}, tag.description), updated_at = ${now}
      from (select description as before from tag
        where application_id = ${applicationId} and name = ${name} for update) as held
      where application_id = ${applicationId} and name = ${name} returning ${columns(false)}, before`.execute(
      this.database.kysely,
    );
    if (!rows[0]) return undefined;
    const { before, ...tag } = rows[0];
    return { tag, before };
  }

  /** Returns false if there was none. */
  async remove(applicationId: string, name: string): Promise<boolean> {
    const removed = await this.database.kysely
      .deleteFrom('tag')
      .where('application_id', '=', applicationId)
      .where('name', '=', name)
      .returning('name')
      .executeTakeFirst();
    return removed !== undefined;
  }

  async count(applicationId: string): Promise<number> {
    const { count } = await this.database.kysely
      .selectFrom('tag')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('application_id', '=', applicationId)
      .executeTakeFirstOrThrow();
    return count;
  }

  /** The names that exist. */
  async existing(applicationId: string, names: readonly string[]): Promise<Set<string>> {
    const rows = await this.database.kysely
      .selectFrom('tag')
      .select('name')
      .where('application_id', '=', applicationId)
      .where('name', 'in', names)
      .execute();
    return new Set(rows.map((row) => row.name));
  }
}

function columns(counted: boolean): RawBuilder<Tag> {
  const count = sql`, (select coalesce(sum(amount), 0)::bigint from tally
    where tally.application_id = tag.application_id and kind = 'subscription' and tally.name = tag.name) as subscriptions`;
  return sql`tag.name, tag.description, tag.created_at as "createdAt", tag.updated_at as "updatedAt" ${counted ? count : sql``}`;
}
