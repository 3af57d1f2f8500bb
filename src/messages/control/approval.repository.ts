import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { recordAudit } from '../../auth/audit.repository.js';
import type { Actor } from '../../auth/audit.repository.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { MessageState } from '../../database/tables.js';
import { inTransaction } from '../../database/transaction.js';

interface Waiting {
  seq: number;
  state: MessageState;
  clientId: string;
  scheduled: boolean;
  expired: boolean;
}

/** `own`: the caller sent the message itself. */
export type Approved = { seq: number; toExpand: boolean } | { refused: 'unknown' | 'own' | MessageState };

@Injectable()
export class ApprovalRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** A message whose `sendAt` has passed meanwhile is sent at once. An expired message is not sent any more. */
  approve(applicationId: string, id: string, actor: Actor): Promise<Approved> {
    return inTransaction(this.database, async (tx): Promise<Approved> => {
      const { rows } = await sql<Waiting>`
        select seq, state, client_id as "clientId", coalesce(send_at > now(), false) as scheduled,
          expires_at <= now() as expired
        from message where application_id = ${applicationId} and id = ${id} and state <> 'removed'
        for update`.execute(tx);
      const [row] = rows;
      if (!row) return { refused: 'unknown' };
      if (row.state !== 'awaitingApproval') return { refused: row.state };
      if (row.expired) return { refused: 'expired' };
      if (row.clientId === actor.clientId) return { refused: 'own' };
      const state = row.scheduled ? 'scheduled' : 'accepted';
      await tx
        .updateTable('message')
        .set({ state, approved_by: actor.clientId })
        .where('application_id', '=', applicationId)
        .where('seq', '=', row.seq)
        .execute();
      await recordAudit(tx, actor, {
        action: 'message.approve',
        subject: applicationId,
        detail: { messageId: id, sentBy: row.clientId },
      });
      return { seq: row.seq, toExpand: state === 'accepted' };
    });
  }
}
