import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { CONFIG } from '../common/tokens.js';
import { Vault } from '../common/vault.js';
import type { Config } from '../config.js';
import { bigints } from '../database/bigints.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { isWaitOver } from '../database/waits.js';
import type { FailedEvent, LotResult, WebhookEvent } from './lot.js';
import { LONGEST_WAIT_MS, TRIES, waitAfter } from './webhook.js';
import type { TriedEvent } from './webhook.js';
import { forgetFailures, openSecrets } from './webhook.repository.js';

/** A webhook that this process delivers events for until the lease ends. */
export interface LeasedWebhook {
  id: number;
  /** Of this lease: a process with an earlier one writes nothing. */
  leaseNumber: number;
  /** The endpoint wanted no more events: waiting events are ended, and can be replayed. */
  isDisabled: boolean;
  applicationId: string;
  name: string;
  url: string;
  /** Secrets to sign with, the newest first. */
  secrets: string[];
  /** Failed tries in a row of the endpoint; 0: the endpoint accepts events. */
  failures: number;
  lastError: string | null;
}

/**
 * Seconds. Longer than a lot: 10 s, plus at most 30 s for a request that has begun (providers/shared/http1-client.ts).
 */
const LEASE_S = 60;
const LOT = 1_000;
/** Events given up per statement. */
const LAPSED = 1_000;
/** Stored bytes of a lot beyond its first event; the text is up to ten times longer. */
const LOT_BYTES = 1_024 * 1_024;
/** If all waiting events are behind events in retry: when to look again. */
const NOTHING_DUE_MS = 1_000;

/** Tries of deliveries that a webhook keeps for readers. */
export const ATTEMPTS_KEPT = 50;

/** One try to deliver an event. */
export interface Attempt {
  at: string;
  event: WebhookEvent;
  /** Null: accepted. */
  error: string | null;
  ms: number;
}

const isFree = (until: RawBuilder<unknown>, longestS: number): RawBuilder<boolean> =>
  sql`(${until} is null or ${isWaitOver(until, longestS)})`;
const LONGEST_WAIT_S = LONGEST_WAIT_MS / 1_000;

/** The outbox: rows written by the triggers of migration 0012-webhooks in the transaction of the change. */
@Injectable()
export class WebhookEventRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly vault: Vault,
    @Inject(CONFIG) private readonly config: Pick<Config, 'retention'>,
  ) {}

  /**
   * Leases the webhook that has waited longest among those that are due, have events and are not leased by another
   * process.
   */
  async lease(): Promise<LeasedWebhook | undefined> {
    // Materialized: a plan may repeat a subquery for each row, and lease more than one.
    const { rows } = await sql<Omit<LeasedWebhook, 'secrets'> & { sealed: (Buffer | null)[] }>`
      with free as materialized (
        select id from webhook
        where ${isFree(sql`next_at`, LONGEST_WAIT_S)} and ${isFree(sql`lease_until`, LEASE_S)}
          and exists (select from webhook_event as event where event.webhook_id = webhook.id
            and (webhook.failures > 0 or ${isFree(sql`event.retry_at`, LONGEST_WAIT_S)}))
        order by next_at limit 1 for no key update skip locked)
      update webhook set lease_until = now() + make_interval(secs => ${LEASE_S}), lease_number = lease_number + 1,
        secret_before = case when secret_before_until > now() then secret_before end
      from free where webhook.id = free.id
      returning webhook.id, lease_number as "leaseNumber", disabled_at is not null as "isDisabled",
        application_id as "applicationId", name, url, array[secret, secret_before] as sealed, failures,
        last_error as "lastError"`.execute(this.database.kysely);
    const [row] = rows;
    if (!row) return undefined;
    const { sealed, ...webhook } = row;
    return { ...webhook, secrets: openSecrets(this.vault, webhook.applicationId, webhook.name, sealed) };
  }

  /** Renews the lease; false if it has ended and another process may have the webhook. */
  async renew({ id, leaseNumber }: LeasedWebhook): Promise<boolean> {
    const { rows } = await sql`
      update webhook set lease_until = now() + make_interval(secs => ${LEASE_S})
      where id = ${id} and lease_number = ${leaseNumber} returning id`.execute(this.database.kysely);
    return rows.length > 0;
  }

  /** One step of ending all waiting events; returns how many. */
  async endSome(webhookId: number): Promise<number> {
    const { rows } = await sql<{ id: number }>`
      select id from webhook_event where webhook_id = ${webhookId} order by id limit ${LOT}`.execute(
      this.database.kysely,
    );
    await this.end(rows.map(({ id }) => id));
    return rows.length;
  }

  /**
   * One step of giving up: events with too many failed tries of their own, and events that were present when the
   * endpoint's failures in a row were fewer by TRIES. Returns how many; 0 means none is left.
   */
  async giveUp(webhookId: number): Promise<number> {
    const { rows } = await sql<{ id: number }>`
      with lapsed as (
        (select id from webhook_event where webhook_id = ${webhookId} and tries >= ${TRIES} limit ${LAPSED})
        union
        (select id from webhook_event where webhook_id = ${webhookId}
           and id <= (select newest_at_failures[1] from webhook
             where id = ${webhookId} and cardinality(newest_at_failures) >= ${TRIES})
         order by id limit ${LAPSED}))
      select id from lapsed limit ${LAPSED}`.execute(this.database.kysely);
    await this.end(rows.map(({ id }) => id));
    return rows.length;
  }

  /** The oldest events that may be sent: none behind an event of the same subject that waits for its next try. */
  async next({ id, failures }: LeasedWebhook): Promise<WebhookEvent[]> {
    const isDue = (retryAt: RawBuilder<unknown>): RawBuilder<boolean> =>
      failures > 0 ? sql`true` : isFree(retryAt, LONGEST_WAIT_S);
    const { rows } = await sql<WebhookEvent>`
      select id, "eventId", body::text as body, subject, tries from (
        select *, sum(pg_column_size(body)) over (order by id) - pg_column_size(body) as before from (
      select id, "eventId", body, subject, tries from (
        select id, coalesce(event_id, id::text) as "eventId", body, tries, retry_at,
          coalesce(event.subject, body->'entity'->'device'->>'deviceId', body->'entity'->>'deviceId') as subject
        from webhook_event as event where webhook_id = ${id}) as event
      where ${isDue(sql`retry_at`)} and not exists (
        select from webhook_event as before
        where before.webhook_id = ${id} and before.tries > 0 and before.subject = event.subject
          and before.id < event.id and not ${isDue(sql`before.retry_at`)})
      order by id limit ${LOT}) as first) as lot where before < ${LOT_BYTES} order by id`.execute(this.database.kysely);
    return rows;
  }

  /** Ends delivered events, records failures, and keeps the newest tries of deliveries for readers. */
  async settle(
    webhookId: number,
    { delivered, failed }: Pick<LotResult, 'delivered' | 'failed'>,
    attempts: readonly Attempt[],
  ): Promise<void> {
    if (delivered.length > 0) await this.end(delivered);
    if (failed.length > 0)
      await sql`
        update webhook_event set tries = now_failed.tries, subject = now_failed.subject,
          retry_at = now() + make_interval(secs => now_failed."waitMs" / 1000)
        from jsonb_to_recordset(${JSON.stringify(failed satisfies FailedEvent[])}::jsonb)
          as now_failed (id bigint, subject text, tries integer, "waitMs" float8)
        where webhook_event.id = now_failed.id`.execute(this.database.kysely);
    if (attempts.length > 0)
      await sql`
        update webhook set attempts = jsonb_path_query_array(
          ${JSON.stringify(attempts.map(toReport))}::jsonb || attempts, ${`$[0 to ${ATTEMPTS_KEPT - 1}]`}::jsonpath)
        where id = ${webhookId}`.execute(this.database.kysely);
  }

  /**
   * Ends the lease. A failing endpoint is tried again after a growing wait. If the endpoint accepts events again, its
   * failed events are due at once. Failures are not counted for a webhook that was changed meanwhile: its count has
   * started again at 0.
   */
  async release(webhook: LeasedWebhook, result: LotResult): Promise<void> {
    const { id, leaseNumber, url, failures } = webhook;
    const { delivered, failed, error, isFailing, isGone } = result;
    // A delivered event ends a row of failures.
    const inRow = !isFailing ? 0 : delivered.length > 0 ? 1 : failures + 1;
    const nothingDue = delivered.length === 0 && failed.length === 0;
    if (nothingDue) return this.wait(webhook, NOTHING_DUE_MS);
    const waitMs = Math.max(result.waitMs, isFailing ? waitAfter(inRow, Math.random()) : 0);
    const { rows } = await sql`
      update webhook set lease_until = null, last_error = ${error}::text, failures = ${inRow}::int,
        newest_at_failures = case when ${inRow}::int = 0 then '{}' else (
          select (earlier || coalesce((select max(id) from webhook_event where webhook_id = ${id}), 0))[
            greatest(1, cardinality(earlier) + 2 - ${TRIES}):]
          from (select case when ${inRow}::int = 1 then '{}' else newest_at_failures end as earlier) as kept) end,
        next_at = now() + make_interval(secs => ${waitMs / 1_000}::float8),
        disabled_at = case when ${isGone} then now() end, disabled_reason = case when ${isGone} then ${error}::text end
      where id = ${id} and lease_number = ${leaseNumber} and url = ${url} and failures = ${failures} returning id`.execute(
      this.database.kysely,
    );
    if (rows.length === 0) {
      const { rows: changed } = await sql`
        update webhook set lease_until = null where id = ${id} and lease_number = ${leaseNumber} returning id`.execute(
        this.database.kysely,
      );
      if (changed.length > 0) await forgetFailures(this.database.kysely, id);
    } else if (failures > 0 && !isFailing)
      await sql`
        update webhook_event set retry_at = now() where webhook_id = ${id} and tries > 0`.execute(this.database.kysely);
  }

  /** Keeps the events for a replay. */
  private async end(ids: readonly number[]): Promise<void> {
    const kept = this.config.retention.webhookEventDays > 0;
    await sql`
      with gone as (
        delete from webhook_event where id = any(${bigints(ids)}) 
        returning webhook_id, id, event_id, subject, body, created_at)
      insert into webhook_event_ended (webhook_id, id, event_id, subject, body, created_at, user_id)
      select webhook_id, id, event_id, subject, body, created_at,
        coalesce(body->'entity'->'device'->>'userId', body->'entity'->>'userId')
      from gone where ${kept}`.execute(this.database.kysely);
  }

  private async wait({ id, leaseNumber }: LeasedWebhook, ms: number): Promise<void> {
    await sql`
      update webhook set lease_until = null, next_at = now() + make_interval(secs => ${ms / 1_000}::float8)
      where id = ${id} and lease_number = ${leaseNumber}`.execute(this.database.kysely);
  }
}

/** Without the body: nothing of a device or user is kept. */
function toReport({ at, event, error, ms }: Attempt): TriedEvent {
  const { type } = JSON.parse(event.body) as { type: string };
  return {
    time: at,
    eventId: event.eventId,
    eventType: type,
    tries: event.tries + 1,
    durationMs: ms,
    ...(error !== null && { error }),
  };
}
