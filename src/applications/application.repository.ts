import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { EXACT_OR_CONTAINS } from '../common/filter.js';
import type { Filter } from '../common/filter.js';
import { Gather } from '../common/gather.js';
import { ITSELF, recordAudit } from '../auth/audit.repository.js';
import type { Actor } from '../auth/audit.repository.js';
import type { Page, PageRequest } from '../common/paging.js';
import { DATABASE } from '../database/database.module.js';
import { executePrepared } from '../database/database.js';
import type { Database } from '../database/database.js';
import { readList, sameOrContains, toSql } from '../database/list.js';
import type { List } from '../database/list.js';

export interface Application {
  id: string;
  /** It accepts messages. */
  enabled: boolean;
  /** It refuses messages and campaigns with fields that are not known. */
  strict: boolean;
}

/** Not strict when that is left out. */
export type NewApplication = Omit<Application, 'strict'> & Partial<Application>;

export interface FoundApplication extends Application {
  /** The readable part of its upstream's settings; null without any. It comes along because every send asks for it. */
  upstream: Record<string, unknown> | null;
  /** A client's emergency stop: nothing of it is written meanwhile. */
  stoppedAt: Date | null;
  stoppedBy: string | null;
}

/** The documents name no fields of this list's filter; the id is all that there is to find one by. */
export const APPLICATION_FILTERS = { applicationId: EXACT_OR_CONTAINS };

const LOOK_UPS_AT_ONCE = 500;

/** Applications; one that is being removed is not there for anybody, though its id is still taken. */
@Injectable()
export class ApplicationRepository {
  /** Nearly every request asks for its application. */
  private readonly lookUps = new Gather<string, FoundApplication | undefined>(
    (ids) => this.findAll(ids),
    LOOK_UPS_AT_ONCE,
  );

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  find(id: string): Promise<FoundApplication | undefined> {
    return this.lookUps.add(id);
  }

  private async findAll(ids: readonly string[]): Promise<(FoundApplication | undefined)[]> {
    // In an array PostgreSQL would count the elements, and plan anew each time.
    const query = sql<FoundApplication>`
      select application.id, application.enabled, application.strict, setting.visible as upstream,
        application.stopped_at as "stoppedAt", application.stopped_by as "stoppedBy"
      from json_array_elements_text(${JSON.stringify([...new Set(ids)])}::json) as asked (id)
      join application using (id)
      left join provider_setting as setting on setting.application_id = application.id and setting.provider = 'upstream'
      where removed_at is null`;
    const rows = await executePrepared(this.database, 'applications', query);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  }

  /** In the order of their ids. */
  list(filter: Filter, page: PageRequest): Promise<Page<Application>> {
    const where = toSql(filter, (condition) => sameOrContains(sql.ref('id'), condition));
    const applications: List<Application> = {
      keys: { id: 'text' },
      from: sql`application where removed_at is null and ${where}`,
      rows: (keys) => sql`select id, enabled, strict from application join (${keys}) as page using (id)`,
    };
    return readList(this.database.kysely, applications, page);
  }

  /** False when the id is taken. */
  async add(application: NewApplication): Promise<boolean> {
    const added = await this.database.kysely
      .insertInto('application')
      .values(application)
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    return added !== undefined;
  }

  /** What is left out stays. Undefined when there is none of this id. */
  change(id: string, status: Pick<Application, 'enabled'> & Partial<Application>): Promise<Application | undefined> {
    return this.database.kysely
      .updateTable('application')
      .set(status)
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .returning(['id', 'enabled', 'strict'])
      .executeTakeFirst();
  }

  /** All of them, retired ones too; as counted by triggers. */
  async countDevices(id: string): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      select coalesce(sum(amount), 0)::bigint as count from tally
      where application_id = ${id} and kind = 'device'`.execute(this.database.kysely);
    return rows[0]?.count ?? 0;
  }

  /** `stopped`: since now, unless it was before; else the stop is lifted. False when there is none of this id. */
  setStopped(id: string, stopped: boolean, now: Date, actor: Actor): Promise<boolean> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const row = await transaction
        .selectFrom('application')
        .select('stopped_at')
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .forUpdate()
        .executeTakeFirst();
      if (!row) return false;
      if ((row.stopped_at !== null) === stopped) return true;
      const change = stopped ? { stopped_at: now, stopped_by: actor.clientId } : { stopped_at: null, stopped_by: null };
      await transaction.updateTable('application').set(change).where('id', '=', id).execute();
      const action = stopped ? 'application.stop' : 'application.resume';
      await recordAudit(transaction, actor, { action, subject: id, detail: {} });
      return true;
    });
  }

  /** From the commit on nothing of it is found, claimed or expanded; its credentials and webhooks go at once. False when there is none. */
  markRemoved(id: string, now: Date, actor: Actor = ITSELF): Promise<boolean> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const removed = await transaction
        .updateTable('application')
        .set({ removed_at: now })
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .returning('id')
        .executeTakeFirst();
      if (!removed) return false;
      for (const table of ['provider_setting', 'webhook'] as const)
        await transaction.deleteFrom(table).where('application_id', '=', id).execute();
      await recordAudit(transaction, actor, { action: 'application.delete', subject: id, detail: {} });
      return true;
    });
  }
}
