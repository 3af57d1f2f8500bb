import { Inject, Injectable } from '@nestjs/common';
import type { Selectable } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { CampaignState } from '../database/campaign-tables.js';
import type { Tables } from '../database/tables.js';
import type { Tx } from '../database/transaction.js';
import { inTransaction } from '../database/transaction.js';
import type { Idempotency } from '../messages/send/idempotency.js';
import type { Definition } from './campaign.js';
import type { NextFiring } from './firing/firing.js';
import { OverlapRepository } from './firing/overlap.repository.js';
import type { MovingMessage } from './firing/overlap.repository.js';
import { REMOVED } from './reason.js';

export interface Campaign {
  seq: number;
  id: string;
  /** The client that created the campaign. */
  clientId: string;
  definition: Definition;
  /** The client or person that made the campaign, and those that changed it. */
  authors: readonly string[];
  /** The content and audience that were approved; null: none. */
  approvedRevision: string | null;
  approvedBy: string | null;
  state: CampaignState;
  /** Reason of a pause, if the pause was not requested by a client. */
  stateReason: string | null;
  /** The next firing by the schedule. */
  nextAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

/** Reads and writes campaigns for the API. */
@Injectable()
export class CampaignRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly overlaps: OverlapRepository,
  ) {}

  /** Returns undefined if the id or the Idempotency-Key is taken. */
  async add(
    campaign: {
      applicationId: string;
      id: string;
      clientId: string;
      definition: Definition;
      idempotency: Idempotency | null;
    },
    now: Date,
  ): Promise<Campaign | undefined> {
    const row = await this.database.kysely
      .insertInto('campaign')
      .values({
        application_id: campaign.applicationId,
        id: campaign.id,
        client_id: campaign.clientId,
        authors: [campaign.clientId],
        ...toColumns(campaign.definition),
        idempotency_key: campaign.idempotency?.key ?? null,
        request_hash: campaign.idempotency?.requestHash ?? null,
        state: 'draft',
        state_reason: null,
        next_at: null,
        due_at: null,
        created_at: now,
        updated_at: now,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst();
    return row && toCampaign(row);
  }

  /** The campaign that a client made with this key, and the hash of its request. */
  async findByKey(
    applicationId: string,
    clientId: string,
    key: string,
  ): Promise<{ campaign: Campaign; requestHash: Buffer } | undefined> {
    const row = await this.database.kysely
      .selectFrom('campaign')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('client_id', '=', clientId)
      .where('idempotency_key', '=', key)
      .executeTakeFirst();
    return row && { campaign: toCampaign(row), requestHash: row.request_hash ?? Buffer.alloc(0) };
  }

  /** The keys of campaigns made before a time may be used again. */
  async forgetKeys(before: Date): Promise<void> {
    await this.database.kysely
      .updateTable('campaign')
      .set({ idempotency_key: null, request_hash: null })
      .where('idempotency_key', 'is not', null)
      .where('created_at', '<', before)
      .execute();
  }

  async count(applicationId: string): Promise<number> {
    const { count } = await this.database.kysely
      .selectFrom('campaign')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('application_id', '=', applicationId)
      .executeTakeFirstOrThrow();
    return count;
  }

  async find(applicationId: string, id: string): Promise<Campaign | undefined> {
    const row = await this.database.kysely
      .selectFrom('campaign')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('id', '=', id)
      .executeTakeFirst();
    return row && toCampaign(row);
  }

  /** In order of creation, above a seq. */
  async list(
    applicationId: string,
    { after, limit, clientId }: { after: number; limit: number; clientId?: string },
  ): Promise<Campaign[]> {
    let query = this.database.reader
      .selectFrom('campaign')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('seq', '>', after)
      .orderBy('seq')
      .limit(limit);
    if (clientId !== undefined) query = query.where('client_id', '=', clientId);
    return (await query.execute()).map(toCampaign);
  }

  /** The active ones, in the order of their next firings. */
  async listActive(applicationId: string): Promise<Campaign[]> {
    const rows = await this.database.reader
      .selectFrom('campaign')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('state', '=', 'active')
      .orderBy('next_at')
      .execute();
    return rows.map(toCampaign);
  }

  /** The active ones of all applications that fire next. */
  async listNext(limit: number): Promise<(Campaign & { applicationId: string })[]> {
    const rows = await this.database.reader
      .selectFrom('campaign')
      .innerJoin('application', 'application.id', 'campaign.application_id')
      .selectAll('campaign')
      .where('campaign.state', '=', 'active')
      .where('application.removed_at', 'is', null)
      .orderBy('campaign.due_at')
      .limit(limit)
      .execute();
    return rows.map((row) => ({ ...toCampaign(row), applicationId: row.application_id }));
  }

  /** Locks a campaign, so that it does not fire before the commit. */
  async lock(applicationId: string, id: string, tx: Tx): Promise<Campaign | undefined> {
    const row = await tx
      .selectFrom('campaign')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    return row && toCampaign(row);
  }

  async update(
    seq: number,
    { definition, authors, approved, state, next }: CampaignChange,
    now: Date,
    tx: Tx,
  ): Promise<Campaign> {
    const row = await tx
      .updateTable('campaign')
      .set({
        ...(definition && toColumns(definition)),
        ...(authors && { authors: [...authors] }),
        ...(approved && { approved_revision: approved.revision, approved_by: approved.by }),
        ...(state && { state, state_reason: null }),
        ...(next !== undefined && {
          next_at: next && new Date(next.nextAt),
          due_at: next && new Date(next.dueAt),
        }),
        updated_at: now,
      })
      .where('seq', '=', seq)
      .returningAll()
      .executeTakeFirstOrThrow();
    return toCampaign(row);
  }

  /**
   * Returns the unfinished messages, which are `cancelled` or continue without the campaign; undefined if there is no
   * such campaign. Locks the campaign before its waves, in the same order as a firing that cancels earlier runs. A
   * `check` that throws keeps the campaign.
   */
  remove(
    applicationId: string,
    id: string,
    { cancel }: { cancel: boolean },
    check: (campaign: Campaign) => void,
  ): Promise<MovingMessage[] | undefined> {
    return inTransaction(this.database, async (transaction) => {
      const campaign = await this.lock(applicationId, id, transaction);
      if (!campaign) return undefined;
      check(campaign);
      const moving = await this.overlaps.listMoving(campaign.seq, transaction);
      if (cancel) await this.overlaps.cancelRuns(campaign.seq, REMOVED, transaction);
      await transaction.deleteFrom('campaign').where('seq', '=', campaign.seq).execute();
      return cancel ? moving.map((message) => ({ ...message, state: 'cancelled' })) : moving;
    });
  }
}

/** Absent fields stay as they are. */
export interface CampaignChange {
  definition?: Definition;
  authors?: readonly string[];
  approved?: { revision: string; by: string };
  state?: CampaignState;
  next?: NextFiring | null;
}

function toColumns(definition: Definition): { name: string; definition: string; daily_cap: number | null } {
  return {
    name: definition.name,
    definition: JSON.stringify(definition),
    daily_cap: definition.policies?.dailyCap ?? null,
  };
}

function toCampaign(row: Selectable<Tables['campaign']>): Campaign {
  return {
    seq: row.seq,
    id: row.id,
    clientId: row.client_id,
    definition: row.definition as unknown as Definition,
    authors: row.authors,
    approvedRevision: row.approved_revision,
    approvedBy: row.approved_by,
    state: row.state,
    stateReason: row.state_reason,
    nextAt: row.next_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
