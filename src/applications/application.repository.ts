import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Gather } from '../common/gather.js';
import { ITSELF, recordAudit } from '../auth/audit.repository.js';
import type { Actor } from '../auth/audit.repository.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';

export interface Application {
  id: string;
  enabled: boolean;
}

export interface FoundApplication extends Application {
  /** The readable part of its upstream's settings; null without any. It comes along because every send asks for it. */
  upstream: Record<string, unknown> | null;
}

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
    const rows = await this.database.kysely
      .selectFrom('application')
      .leftJoin('provider_setting', (join) =>
        join.onRef('application_id', '=', 'application.id').on('provider', '=', 'upstream'),
      )
      .select(['application.id', 'application.enabled', 'provider_setting.visible as upstream'])
      .where('application.id', 'in', [...new Set(ids)])
      .where('removed_at', 'is', null)
      .execute();
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  }

  /** A page in the order of their ids, and how many there are in all. */
  async list(offset: number, size: number): Promise<{ applications: Application[]; total: number }> {
    const [applications, { total }] = await Promise.all([
      this.database.kysely
        .selectFrom('application')
        .select(['id', 'enabled'])
        .where('removed_at', 'is', null)
        .orderBy('id')
        .limit(size)
        .offset(offset)
        .execute(),
      this.database.kysely
        .selectFrom('application')
        .select(sql<number>`count(*)::int`.as('total'))
        .where('removed_at', 'is', null)
        .executeTakeFirstOrThrow(),
    ]);
    return { applications, total };
  }

  /** False when the id is taken. */
  async add(application: Application): Promise<boolean> {
    const added = await this.database.kysely
      .insertInto('application')
      .values(application)
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    return added !== undefined;
  }

  /** False when there is none. */
  async setEnabled(id: string, enabled: boolean): Promise<boolean> {
    const changed = await this.database.kysely
      .updateTable('application')
      .set({ enabled })
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .returning('id')
      .executeTakeFirst();
    return changed !== undefined;
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
