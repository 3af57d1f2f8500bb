import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { recordAudit } from '../auth/audit.repository.js';
import type { Actor } from '../auth/audit.repository.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { countDue } from '../database/due.js';
import type { Due } from '../database/due.js';
import { inTransaction } from '../database/transaction.js';
import type { EventType } from './webhook.js';

/** Rows per step: about 50 ms. */
const STEP = 5_000;

/** Which ended events are sent again, by the time of the change. */
export interface Replay {
  from: Date;
  to: Date;
  types: readonly EventType[];
}

/** Delivered and given-up events, which are kept for some days. */
@Injectable()
export class WebhookReplayRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Moves ended events back to those that wait, with their ids, and makes the webhook due with no failures. Returns the
   * number of events; undefined if the webhook does not exist.
   */
  async replay(actor: Actor, applicationId: string, name: string, replay: Replay): Promise<number | undefined> {
    const begun = await inTransaction(this.database, async (transaction) => {
      const { rows } = await sql<{ id: number; newest: number }>`
        update webhook set next_at = now(), failures = 0, newest_at_failures = '{}', disabled_at = null, disabled_reason = null
        where application_id = ${applicationId} and name = ${name}
        returning id, (select coalesce(max(id), 0)
          from webhook_event_ended where webhook_id = webhook.id) as newest`.execute(transaction);
      if (rows.length > 0)
        await recordAudit(transaction, actor, {
          action: 'webhook.replay',
          subject: applicationId,
          detail: { webhook: name, from: replay.from, to: replay.to, eventTypes: replay.types.join(',') },
        });
      return rows[0];
    });
    if (!begun) return undefined;
    let events = 0;
    // Each event once, although it ends again meanwhile.
    for (let after: number | null = 0; after !== null;) {
      const moved: { events: number; last: number | null } = await this.moveSome(begun, replay, after);
      events += moved.events;
      after = moved.last;
    }
    return events;
  }

  private async moveSome(
    webhook: { id: number; newest: number },
    { from, to, types }: Replay,
    after: number,
  ): Promise<{ events: number; last: number | null }> {
    const { rows } = await sql<{ events: number; last: number | null }>`
      with wanted as materialized (
        select id from webhook_event_ended
        where webhook_id = ${webhook.id} and id > ${after} and id <= ${webhook.newest}
          and created_at >= ${from} and created_at < ${to} and body->>'type' = any(${`{${types.join(',')}}`}::text[])
        order by id limit ${STEP}),
      gone as (
        delete from webhook_event_ended as ended using wanted
        where ended.webhook_id = ${webhook.id} and ended.id = wanted.id
        returning ended.webhook_id, ended.id, ended.event_id, ended.subject, ended.body, ended.created_at),
      back as (
        insert into webhook_event (id, webhook_id, event_id, subject, body, created_at) overriding system value
        select id, webhook_id, event_id, subject, body, created_at from gone returning id)
      select count(*)::int as events, (select max(id) from wanted) as last from back`.execute(this.database.kysely);
    return rows[0]!;
  }

  countOld(before: Date): Promise<Due> {
    return countDue(this.database, sql`webhook_event_ended where created_at < ${before}`, sql`webhook_event_ended`);
  }

  /** One step; false if nothing was left. */
  async removeOld(before: Date): Promise<boolean> {
    const { rows } = await sql`
      with lot as materialized (
        select webhook_id, id from webhook_event_ended where created_at < ${before}
        order by created_at limit ${STEP} for update skip locked)
      delete from webhook_event_ended as ended using lot where ended.webhook_id = lot.webhook_id and ended.id = lot.id
      returning 1`.execute(this.database.kysely);
    return rows.length > 0;
  }
}
