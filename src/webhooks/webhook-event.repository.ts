import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Vault } from '../common/vault.js';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { EVENT_LIFE_MS } from './webhook.js';
import { contextOf } from './webhook.repository.js';

/** A webhook whose events this process delivers until the lease ends. */
export interface LeasedWebhook {
  id: number;
  applicationId: string;
  name: string;
  url: string;
  secret: string;
  failures: number;
}

/** How a lot ended that was not taken. */
export interface Failure {
  error: string;
  /** In a row, with this one. */
  failures: number;
  waitMs: number;
}

export interface WebhookEvent {
  id: number;
  /** JSON text. */
  body: string;
}

/** Longer than a lot of events can take: LOT × the deadline of a request would be more, so a lot ends early. */
const LEASE_S = 60;
const LOT = 50;
/** Given up by one statement: the only rows that it looks at, whatever waits behind them. */
const LAPSED = 1_000;

/** The outbox: rows that the triggers of 0012-webhooks wrote with the change they tell of. */
@Injectable()
export class WebhookEventRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly vault: Vault,
  ) {}

  /** A webhook that has events and is due, held by no other: each is delivered to by one at a time, in order. */
  async lease(): Promise<LeasedWebhook | undefined> {
    const { rows } = await sql<Omit<LeasedWebhook, 'secret'> & { sealed: Buffer }>`
      update webhook set lease_until = now() + make_interval(secs => ${LEASE_S}) where id in (
        select id from webhook
        where next_at <= now() and (lease_until is null or lease_until < now())
          and exists (select from webhook_event where webhook_id = webhook.id)
        order by next_at limit 1 for no key update skip locked)
      returning id, application_id as "applicationId", name, url, secret as sealed, failures`.execute(
      this.database.kysely,
    );
    const [row] = rows;
    if (!row) return undefined;
    const { sealed, ...webhook } = row;
    return { ...webhook, secret: this.vault.open(sealed, contextOf(webhook.applicationId, webhook.name)) };
  }

  /** Of the oldest, those that have waited for a day; answers how many. 0: none is left. */
  async giveUp(webhookId: number): Promise<number> {
    const { rows } = await sql`
      delete from webhook_event where created_at < now() - make_interval(secs => ${EVENT_LIFE_MS / 1_000}) and id in (
        select id from webhook_event where webhook_id = ${webhookId} order by id limit ${LAPSED})
      returning id`.execute(this.database.kysely);
    return rows.length;
  }

  /** The oldest that wait. */
  async next(webhookId: number): Promise<WebhookEvent[]> {
    const { rows } = await sql<WebhookEvent>`
      select id, body::text as body from webhook_event where webhook_id = ${webhookId}
      order by id limit ${LOT}`.execute(this.database.kysely);
    return rows;
  }

  async remove(ids: readonly number[]): Promise<void> {
    await sql`delete from webhook_event where id = any(${bigints(ids)})`.execute(this.database.kysely);
  }

  /**
   * Ends the lease; after a failure, the next try is so many ms away. Not for a webhook that was
   * changed meanwhile: it has begun anew, and the error is of the old address.
   */
  async release({ id, url, failures }: LeasedWebhook, failed: Failure | null): Promise<void> {
    await sql`
      update webhook set lease_until = null, last_error = told.error,
        failures = case when told.error is null then 0 else ${failed?.failures ?? 0}::int end,
        next_at = now() + make_interval(secs => case when told.error is null then 0 else ${(failed?.waitMs ?? 0) / 1_000}::float8 end)
      from (select id as told_id, case when url = ${url} and failures = ${failures} then ${failed?.error ?? null}::text end as error
        from webhook where id = ${id} for no key update) as told
      where id = told_id`.execute(this.database.kysely);
  }
}
