import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { toEvent } from '../auth/audit.repository.js';
import { toEventAnswer } from '../auth/operations.dto.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { DeliverableEvent } from './receiver.js';

/** Longer than the delivery of a lot (syslog-receiver.ts), so that no second process sends the same meanwhile. */
const LEASE_S = 30;
const LOT = 200;

/** The events of the chain that the receiver does not have yet. One process at a time sends them. */
@Injectable()
export class OutboxRepository {
  private readonly holder = randomUUID();

  constructor(@Inject(DATABASE) private readonly database: Pick<Database, 'kysely'>) {}

  /** Null: there is none. Removals by age keep events that a receiver does not have. */
  async setReceiver(name: string | null): Promise<void> {
    await this.database.kysely.updateTable('audit_outbox').set({ receiver: name, error: null }).execute();
  }

  /** The next events, oldest first; none if all were sent, or another process sends. */
  async take(): Promise<DeliverableEvent[]> {
    const { kysely } = this.database;
    const { rows: held } = await sql<{ sent_seq: number }>`
      update audit_outbox set leased_by = ${this.holder}, leased_until = now() + make_interval(secs => ${LEASE_S})
      where (leased_by = ${this.holder} or leased_until < now()) and sent_seq < (select seq from audit_chain)
      returning sent_seq`.execute(kysely);
    const [outbox] = held;
    if (!outbox) return [];
    const rows = await kysely
      .selectFrom('audit_event')
      .selectAll()
      .where('seq', '>', outbox.sent_seq)
      .orderBy('seq')
      .limit(LOT)
      .execute();
    return rows.map((row) => ({
      seq: row.seq ?? 0,
      at: row.at,
      action: row.action,
      outcome: row.outcome,
      json: ascii(JSON.stringify(toEventAnswer(toEvent(row)))),
    }));
  }

  async noteSent(seq: number): Promise<void> {
    await this.database.kysely
      .updateTable('audit_outbox')
      .set({ sent_seq: seq, error: null })
      .where('leased_by', '=', this.holder)
      .execute();
  }

  async noteError(error: string): Promise<void> {
    await this.database.kysely
      .updateTable('audit_outbox')
      .set({ error })
      .where('leased_by', '=', this.holder)
      .execute();
  }
}

function ascii(json: string): string {
  return json.replaceAll(/[^\x20-\x7e]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
