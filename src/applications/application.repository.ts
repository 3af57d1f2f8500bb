import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { EXACT_OR_CONTAINS } from '../common/filter.js';
import type { Filter } from '../common/filter.js';
import { Gather } from '../common/gather.js';
import { ITSELF, recordAudit } from '../auth/audit.repository.js';
import type { Actor } from '../auth/audit.repository.js';
import { changesBetween } from '../auth/audited-changes.js';
import type { Page, PageRequest } from '../common/paging.js';
import { checkRevision, revisionOf } from '../common/revision.js';
import { DATABASE } from '../database/database.module.js';
import { executePrepared } from '../database/prepared.js';
import type { Database } from '../database/database.js';
import type { SealedColumn } from '../database/sealed.js';
import { readList, sameOrContains, toSql } from '../database/list.js';
import type { List } from '../database/list.js';
import { inTransaction } from '../database/transaction.js';

export interface Application {
  id: string;
  /** If false, new messages are refused. */
  enabled: boolean;
  /** If true, messages and campaigns with unknown fields are refused. */
  strict: boolean;
  /** A campaign or message to more devices waits for approval; null: none waits. */
  approvalAbove: number | null;
  /** If true, deliveries carry a receipt token. */
  receipts: boolean;
  /** Of pages that may call with a device token or a receipt token. */
  allowedOrigins: string[];
}

/** `strict` defaults to false. */
export type NewApplication = Pick<Application, 'id' | 'enabled'> & Partial<Pick<Application, 'strict'>>;

/** Omitted members keep their values. */
export type StatusChange = Pick<Application, 'enabled'> &
  Partial<Omit<Application, 'id' | 'enabled' | 'receipts'>> & {
    /** Sealed: used if there is none yet. Null: removes it. */
    receiptKey?: Buffer | null;
  };

export interface FoundApplication extends Application {
  /**
   * The readable part of the upstream settings; null without an upstream. Part of this row because every send needs it.
   */
  upstream: Record<string, unknown> | null;
  /** When a client stopped the application; while set, nothing of the application is sent. Null: not stopped. */
  stoppedAt: Date | null;
  stoppedBy: string | null;
  /** Sealed; null: no delivery has a receipt token. */
  receiptKey: Buffer | null;
}

/** Of what a caller can change. */
export function statusRevision({ enabled, strict, approvalAbove, receipts, allowedOrigins }: Application): string {
  return revisionOf({ enabled, strict, approvalAbove, receipts, allowedOrigins });
}

/** MobileFirst's documents name no filter fields for this list, so it has the only useful one, the id. */
export const APPLICATION_FILTERS = { applicationId: EXACT_OR_CONTAINS };

const LOOK_UPS_AT_ONCE = 500;

export const receiptKeyContext = (id: string): string => `application/${id}/receipt_key`;

export const SEALED_RECEIPT_KEYS: SealedColumn = {
  table: 'application',
  column: 'receipt_key',
  key: ['id'],
  contextOf: receiptKeyContext,
};

const COLUMNS = [
  'id',
  'enabled',
  'strict',
  'approval_above as approvalAbove',
  sql<boolean>`receipt_key is not null`.as('receipts'),
  'allowed_origins as allowedOrigins',
] as const;

/** Reads and writes applications. An application that is being removed is invisible, but its id stays taken. */
@Injectable()
export class ApplicationRepository {
  /** Combines look-ups of concurrent requests, because nearly every request reads its application. */
  private readonly lookUps = new Gather<string, FoundApplication | undefined>(
    (ids) => this.findAll(ids),
    LOOK_UPS_AT_ONCE,
  );

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  find(id: string): Promise<FoundApplication | undefined> {
    return this.lookUps.add(id);
  }

  private async findAll(ids: readonly string[]): Promise<(FoundApplication | undefined)[]> {
    const query = sql<FoundApplication>`
      select application.id, application.enabled, application.strict, application.approval_above as "approvalAbove",
        setting.visible as upstream, application.receipt_key is not null as receipts,
        application.receipt_key as "receiptKey", application.allowed_origins as "allowedOrigins",
        application.stopped_at as "stoppedAt", application.stopped_by as "stoppedBy"
      from json_array_elements_text(${JSON.stringify([...new Set(ids)])}::json) as asked (id)
      cross join lateral (select * from application where id = asked.id and removed_at is null offset 0) as application
      left join lateral (
        select visible from provider_setting where application_id = asked.id and provider = 'upstream' offset 0) as setting
        on true`;
    const rows = await executePrepared(this.database.kysely, 'applications', query);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  }

  /** Ordered by id. */
  list(filter: Filter, page: PageRequest): Promise<Page<Application>> {
    const where = toSql(filter, (condition) => sameOrContains(sql.ref('id'), condition));
    const applications: List<Application> = {
      keys: { id: 'text' },
      from: sql`application where removed_at is null and ${where}`,
      rows: (keys) =>
        sql`select id, enabled, strict, approval_above as "approvalAbove", receipt_key is not null as receipts,
          allowed_origins as "allowedOrigins" from application join (${keys}) as page using (id)`,
    };
    return readList(this.database.kysely, applications, page);
  }

  /** Returns false if the id is taken. */
  async add(application: NewApplication): Promise<boolean> {
    const added = await this.database.kysely
      .insertInto('application')
      .values(application)
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    return added !== undefined;
  }

  /**
   * Omitted members keep their values. Returns undefined if the id does not exist. Throws CARIL0412E if the application
   * is of another revision.
   */
  change(
    id: string,
    { approvalAbove, receiptKey, allowedOrigins, ...status }: StatusChange,
    actor: Actor,
    revisions?: readonly string[],
  ): Promise<Application | undefined> {
    return inTransaction(this.database, async (tx) => {
      const held = await tx
        .selectFrom('application')
        .select(COLUMNS)
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .forNoKeyUpdate()
        .executeTakeFirst();
      if (held) checkRevision(revisions, statusRevision(held));
      const key = receiptKey ? sql<Buffer>`coalesce(receipt_key, ${receiptKey})` : receiptKey;
      const changed = await tx
        .updateTable('application')
        .set({ ...status, approval_above: approvalAbove, allowed_origins: allowedOrigins, receipt_key: key })
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .returning(COLUMNS)
        .executeTakeFirst();
      const detail = changesBetween(held, changed);
      if (detail) await recordAudit(tx, actor, { action: 'application.update', subject: id, detail });
      return changed;
    });
  }

  /** All devices, retired ones included, as counted by triggers. */
  async countDevices(id: string): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      select coalesce(sum(amount), 0)::bigint as count from tally
      where application_id = ${id} and kind = 'device'`.execute(this.database.kysely);
    return rows[0]?.count ?? 0;
  }

  /**
   * True: sets the time of the stop, unless the application is stopped already. False: lifts the stop. Returns false if
   * the id does not exist.
   */
  setStopped(id: string, stopped: boolean, now: Date, actor: Actor): Promise<boolean> {
    return inTransaction(this.database, async (transaction) => {
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

  /**
   * After the commit, nothing of the application is found, claimed or expanded. Credentials and webhooks are deleted at
   * once. Returns false if the id does not exist.
   */
  markRemoved(id: string, now: Date, actor: Actor = ITSELF): Promise<boolean> {
    return inTransaction(this.database, async (transaction) => {
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
