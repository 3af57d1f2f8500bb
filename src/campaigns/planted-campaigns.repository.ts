import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { MAX_IDS } from '../auth/planted.js';
import type { Planted, PlantedKind } from '../auth/planted.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { inTransaction } from '../database/transaction.js';

/** Active campaigns, those that wait for approval, and campaigns with an unfinished run that has waves to send. */
const PLANTED = sql`(campaign.state in ('active', 'awaitingApproval') or exists (
  select from campaign_run where campaign_run.campaign_seq = campaign.seq and campaign_run.state = 'running'))`;

/** Finds the campaigns of clients that would send again. */
@Injectable()
export class PlantedCampaigns implements PlantedKind {
  readonly kind = 'campaigns';

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async list(clientIds: readonly string[]): Promise<Planted[]> {
    const { rows } = await sql<Planted>`
      select campaign.client_id as "clientId", campaign.application_id as "applicationId", count(*)::int as count,
        (array_agg(campaign.id order by campaign.seq))[1:${sql.lit(MAX_IDS)}] as ids
      from campaign join application on application.id = campaign.application_id and application.removed_at is null
      where ${PLANTED} and campaign.client_id = any(${[...clientIds]}::text[])
      group by 1, 2 order by 1, 2`.execute(this.database.kysely);
    return rows;
  }

  /** Pauses one campaign and cancels the remaining waves of its runs. Messages are stopped by client, elsewhere. */
  stopSome(clientId: string, applicationId: string, reason: string): Promise<number> {
    return inTransaction(this.database, async (transaction) => {
      const { rows } = await sql<{ seq: number }>`
        update campaign set updated_at = now(),
          state = case when state in ('active', 'awaitingApproval') then 'paused' else state end,
          state_reason = case when state in ('active', 'awaitingApproval') then ${reason} else state_reason end,
          next_at = null, due_at = null
        where seq = (
          select seq from campaign where ${PLANTED} and application_id = ${applicationId} and client_id = ${clientId}
          order by seq limit 1 for update)
        returning seq`.execute(transaction);
      for (const { seq } of rows) {
        // Waves before runs: the lock order of a firing.
        await sql`
          update campaign_wave set state = 'cancelled', reason = ${reason} where state = 'waiting' and run_seq in (
            select seq from campaign_run where campaign_seq = ${seq})`.execute(transaction);
        await sql`
          update campaign_run set state = 'cancelled', reason = ${reason}
          where campaign_seq = ${seq} and state = 'running'`.execute(transaction);
      }
      return rows.length;
    });
  }
}
