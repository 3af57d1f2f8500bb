import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { LeaseRepository } from '../../applications/lease.repository.js';
import { MAX_IDS } from '../../auth/planted.js';
import type { Planted, PlantedKind } from '../../auth/planted.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import { MessageControlRepository } from './message-control.repository.js';

/** Messages per step; each is a small transaction of its own. */
const LOT = 100;
/** The condition of the index message_state, which is small because most messages are finished. */
const MOVING = sql`message.state in ('awaitingApproval', 'scheduled', 'accepted', 'expanding', 'sending')`;

/** Finds the scheduled and unfinished messages of clients, including those of campaigns. */
@Injectable()
export class PlantedMessages implements PlantedKind {
  readonly kind = 'messages';

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly control: MessageControlRepository,
    private readonly leases: LeaseRepository,
  ) {}

  async list(clientIds: readonly string[]): Promise<Planted[]> {
    const { rows } = await sql<Planted>`
      select message.client_id as "clientId", message.application_id as "applicationId", count(*)::int as count,
        (array_agg(message.id order by message.seq))[1:${sql.lit(MAX_IDS)}] as ids
      from message join application on application.id = message.application_id and application.removed_at is null
      where ${MOVING} and message.client_id = any(${[...clientIds]}::text[])
      group by 1, 2 order by 1, 2`.execute(this.database.kysely);
    return rows;
  }

  async stopSome(clientId: string, applicationId: string): Promise<number> {
    const { rows } = await sql<{ seq: number; id: string }>`
      select seq, id from message where ${MOVING} and application_id = ${applicationId} and client_id = ${clientId}
      order by seq limit ${sql.lit(LOT)}`.execute(this.database.kysely);
    for (const { id } of rows) await this.control.cancel(applicationId, id);
    if (rows.length > 0) await this.leases.awaitEnd({ messageSeqs: rows.map(({ seq }) => seq) });
    return rows.length;
  }
}
