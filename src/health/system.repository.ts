import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { ENDS_SOON_DAYS } from '../common/durations.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { MIGRATIONS } from '../database/migrations/migrations.js';

/** Since when deliveries of a provider are due and not sent. */
export interface OldestPending {
  provider: string;
  since: Date;
  seconds: number;
}

export interface PausedProvider {
  applicationId: string;
  provider: string;
  reason: string;
  since: Date | null;
  nextTryAt: Date | null;
}

export interface FailingWebhook {
  applicationId: string;
  name: string;
  reason: string | null;
  since: Date | null;
}

export interface EndingCredential {
  applicationId: string;
  provider: string;
  endsAt: Date;
}

export interface EndingSecret {
  clientId: string;
  endsAt: Date;
}

export interface StoppedApplication {
  applicationId: string;
  by: string | null;
  since: Date;
}

/** How far the receiver of the audit is behind. */
export interface AuditState {
  receiver: 'syslog' | 'file' | null;
  /** Events that were not sent yet; 0 without a receiver. */
  behind: number;
  /** The time of the oldest of them. */
  oldestAt: Date | null;
  /** Of the last try. */
  error: string | null;
}

/** Rows of each kind of problem that one answer lists. */
export const MOST = 100;
/** The oldest due batches that are looked at for the oldest of each provider. */
const LOOK = 1_000;

/** Facts about the whole installation; each query reads an index of open or faulty rows. */
@Injectable()
export class SystemRepository {
  constructor(@Inject(DATABASE) private readonly database: Pick<Database, 'kysely'>) {}

  /**
   * By provider. A provider whose oldest batch is not among the oldest due ones is missing; the others are older then.
   * Of the batches outside of the windows the first of each destination counts.
   */
  async oldestPending(): Promise<OldestPending[]> {
    const { rows } = await sql<OldestPending>`
      with recursive lot as (
        (select application_id, provider from batch where state = 'waiting' order by application_id, provider limit 1)
        union all
        select next.* from lot, lateral (
          select application_id, provider from batch
          where state = 'waiting' and (application_id, provider) > (lot.application_id, lot.provider)
          order by application_id, provider limit 1) as next),
      due as (
        (select provider, due_at as since from batch where state = 'ready' and due_at <= now()
          order by due_at limit ${LOOK})
        union all
        select lot.provider, first.waits_since from lot, lateral (
          select waits_since from batch
          where state = 'waiting' and application_id = lot.application_id and provider = lot.provider
          order by direct, id limit 1) as first)
      select provider, min(since) as since, greatest(0, extract(epoch from now() - min(since)))::float8 as seconds
      from due where since is not null group by provider order by provider`.execute(this.database.kysely);
    return rows;
  }

  /** Numbers of applied steps, and of steps of this program that the database lacks. */
  async migrations(): Promise<{ applied: number; pending: number }> {
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(this.database.kysely);
    const done = new Set(rows.map(({ name }) => name));
    return { applied: done.size, pending: Object.keys(MIGRATIONS).filter((name) => !done.has(name)).length };
  }

  async audit(): Promise<AuditState> {
    const { rows } = await sql<AuditState>`
      select receiver, error, case when receiver is null then 0 else chain.seq - sent_seq end as behind,
        case when receiver is not null then (
          select at from audit_event where seq > sent_seq order by seq limit 1) end as "oldestAt"
      from audit_outbox, audit_chain as chain`.execute(this.database.kysely);
    return rows[0] ?? { receiver: null, behind: 0, oldestAt: null, error: null };
  }

  async pausedProviders(): Promise<PausedProvider[]> {
    const { rows } = await sql<PausedProvider>`
      select application_id as "applicationId", provider, paused_reason as reason, paused_at as since,
        next_try_at as "nextTryAt"
      from provider_setting where paused_reason is not null
      order by paused_at limit ${MOST}`.execute(this.database.kysely);
    return rows;
  }

  async failingWebhooks(): Promise<FailingWebhook[]> {
    const { rows } = await sql<FailingWebhook>`
      select application_id as "applicationId", name, last_error as reason, (
        select created_at from webhook_event where webhook_id = webhook.id order by id limit 1) as since
      from webhook where failures > 0 order by id limit ${MOST}`.execute(this.database.kysely);
    return rows;
  }

  async endingCredentials(): Promise<EndingCredential[]> {
    // The times are ISO 8601 in UTC with milliseconds, which are in the order of their texts.
    const { rows } = await sql<EndingCredential>`
      select application_id as "applicationId", provider, (visible->>'validUntil')::timestamptz as "endsAt"
      from provider_setting
      where visible->>'validUntil' is not null and visible->>'validUntil'
        < to_char((now() + make_interval(days => ${ENDS_SOON_DAYS})) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MSZ')
      order by visible->>'validUntil' limit ${MOST}`.execute(this.database.kysely);
    return rows;
  }

  /** Of enabled clients: a newest secret that ends soon or has ended, after which no other follows. */
  async endingSecrets(): Promise<EndingSecret[]> {
    const { rows } = await sql<EndingSecret>`
      select client_id as "clientId", expires_at as "endsAt" from (
        select distinct on (client_id) client_id, expires_at from client_secret
        join client on client.id = client_id and client.enabled
        order by client_id, client_secret.id desc) as newest
      where expires_at < now() + make_interval(days => ${ENDS_SOON_DAYS})
      order by expires_at limit ${MOST}`.execute(this.database.kysely);
    return rows;
  }

  async stoppedApplications(): Promise<StoppedApplication[]> {
    const { rows } = await sql<StoppedApplication>`
      select id as "applicationId", stopped_by as by, stopped_at as since from application
      where stopped_at is not null and removed_at is null order by stopped_at limit ${MOST}`.execute(
      this.database.kysely,
    );
    return rows;
  }
}
