import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { recordAudit } from '../auth/audit.repository.js';
import type { Actor } from '../auth/audit.repository.js';
import { checkRevision, revisionOf } from '../common/revision.js';
import { Vault } from '../common/vault.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { SealedColumn } from '../database/sealed.js';
import type { Tables } from '../database/tables.js';
import { inTransaction } from '../database/transaction.js';
import type { Tx } from '../database/transaction.js';
import type { EventType, TriedEvent } from './webhook.js';

export interface Webhook {
  name: string;
  url: string;
  eventTypes: EventType[];
  /** Events of messages and deliveries: only of messages with one of the labels or campaigns. Null: of all. */
  labels: string[] | null;
  campaigns: string[] | null;
}

/** A webhook and the state of its deliveries. */
export interface WebhookReport extends Webhook {
  /** Number of events that wait for delivery. */
  pending: number;
  lastError: string | null;
  /** Since when no events are sent, and why. Null: events are sent. */
  disabledAt: Date | null;
  disabledReason: string | null;
}

const MAX_PER_APPLICATION = 20;

@Injectable()
export class WebhookRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly vault: Vault,
  ) {}

  async list(applicationId: string, name?: string): Promise<WebhookReport[]> {
    const { rows } = await sql<WebhookReport>`
      select name, url, event_types as "eventTypes", labels, campaigns, last_error as "lastError",
        disabled_at as "disabledAt", disabled_reason as "disabledReason",
        (select count(*)::int from webhook_event where webhook_id = webhook.id) as pending
      from webhook where application_id = ${applicationId}
        and ${name === undefined ? sql`true` : sql`name = ${name}`}
      order by name`.execute(this.database.kysely);
    return rows;
  }

  /** `full`: the application has the maximum number of webhooks. */
  async add(applicationId: string, webhook: Webhook, secret: string): Promise<'added' | 'taken' | 'full'> {
    return inTransaction(this.database, async (transaction) => {
      // The lock prevents two concurrent inserts from both finding the last free place.
      await sql`select from application where id = ${applicationId} for no key update`.execute(transaction);
      const { rows } = await sql<{ name: string }>`
        select name from webhook where application_id = ${applicationId}`.execute(transaction);
      if (rows.some(({ name }) => name === webhook.name)) return 'taken';
      if (rows.length >= MAX_PER_APPLICATION) return 'full';
      await transaction
        .insertInto('webhook')
        .values({
          application_id: applicationId,
          name: webhook.name,
          url: webhook.url,
          event_types: toArray(webhook.eventTypes),
          labels: webhook.labels,
          campaigns: webhook.campaigns,
          secret: this.vault.seal(secret, contextOf(applicationId, webhook.name)),
        })
        .execute();
      return 'added';
    });
  }

  /**
   * Waiting events go to the new address, at once. Returns the webhook before; undefined if there is none. Throws
   * CARIL0412E if the webhook is of another revision.
   */
  async change(
    applicationId: string,
    { name, url, eventTypes, labels, campaigns }: Webhook,
    revisions?: readonly string[],
  ): Promise<Webhook | undefined> {
    return inTransaction(this.database, async (transaction) => {
      const held = await holdWebhook(transaction, applicationId, name, revisions);
      const { rows } = await sql<{ id: number }>`
        update webhook set url = ${url}, event_types = ${toArray(eventTypes)}::text[], labels = ${labels}::text[],
          campaigns = ${campaigns}::text[], disabled_at = null, disabled_reason = null, next_at = now(), failures = 0,
          newest_at_failures = '{}', last_error = null
        where application_id = ${applicationId} and name = ${name} returning id`.execute(transaction);
      for (const { id } of rows) await forgetFailures(transaction, id);
      return held;
    });
  }

  /**
   * Replaces the secret; events are signed with the old one for `overlapS` more seconds. `overlap`: refused, because an
   * earlier secret is still used to sign; 0 ends all earlier secrets at once.
   */
  async rotateSecret(
    actor: Actor,
    applicationId: string,
    name: string,
    secret: string,
    overlapS: number,
  ): Promise<(Webhook & { secretBeforeUntil: Date | null }) | 'none' | 'overlap'> {
    return inTransaction(this.database, async (transaction) => {
      const { rows: held } = await sql<{ overlaps: boolean | null }>`
        select secret_before_until > now() as overlaps from webhook
        where application_id = ${applicationId} and name = ${name} for no key update`.execute(transaction);
      if (!held[0]) return 'none';
      if (held[0].overlaps && overlapS > 0) return 'overlap';
      const sealed = this.vault.seal(secret, contextOf(applicationId, name));
      const { rows } = await sql<Webhook & { secretBeforeUntil: Date | null }>`
        update webhook set secret = ${sealed},
          secret_before = case when ${overlapS}::int > 0 then secret end,
          secret_before_until = case when ${overlapS}::int > 0 then now() + make_interval(secs => ${overlapS}::int) end
        where application_id = ${applicationId} and name = ${name}
        returning name, url, event_types as "eventTypes", labels, campaigns, secret_before_until as "secretBeforeUntil"`.execute(
        transaction,
      );
      await recordAudit(transaction, actor, {
        action: 'webhook.secret',
        subject: applicationId,
        detail: { webhook: name, overlapSeconds: overlapS },
      });
      return rows[0] ?? 'none';
    });
  }

  /** Ends the overlap of a rotation. Returns false if the webhook does not exist. */
  async endSecretBefore(actor: Actor, applicationId: string, name: string): Promise<boolean> {
    return inTransaction(this.database, async (transaction) => {
      const { rows } = await sql`
        update webhook set secret_before = null, secret_before_until = null
        where application_id = ${applicationId} and name = ${name} returning id`.execute(transaction);
      if (rows.length > 0)
        await recordAudit(transaction, actor, {
          action: 'webhook.secret',
          subject: applicationId,
          detail: { webhook: name, secretBefore: 'ended' },
        });
      return rows.length > 0;
    });
  }

  /** The newest tries of deliveries, the newest first. Undefined if the webhook does not exist. */
  async attempts(applicationId: string, name: string): Promise<TriedEvent[] | undefined> {
    const { rows } = await sql<{ attempts: TriedEvent[] }>`
      select attempts from webhook where application_id = ${applicationId} and name = ${name}`.execute(
      this.database.kysely,
    );
    return rows[0]?.attempts;
  }

  /** Address and secrets, the newest first. Undefined if the webhook does not exist. */
  async open(applicationId: string, name: string): Promise<{ url: string; secrets: string[] } | undefined> {
    const { rows } = await sql<{ url: string; sealed: (Buffer | null)[] }>`
      select url, array[secret, case when secret_before_until > now() then secret_before end] as sealed
      from webhook where application_id = ${applicationId} and name = ${name}`.execute(this.database.kysely);
    const [row] = rows;
    if (!row) return undefined;
    return { url: row.url, secrets: openSecrets(this.vault, applicationId, name, row.sealed) };
  }

  /** Waiting events are due at once, and a disabled webhook is enabled. Returns false if the webhook does not exist. */
  async retryNow(applicationId: string, name: string): Promise<boolean> {
    return inTransaction(this.database, async (transaction) => {
      const { rows } = await sql<{ id: number }>`
        update webhook set next_at = now(), disabled_at = null, disabled_reason = null
        where application_id = ${applicationId} and name = ${name} returning id`.execute(transaction);
      for (const { id } of rows)
        await sql`
          update webhook_event set retry_at = now() where webhook_id = ${id} and tries > 0`.execute(transaction);
      return rows.length > 0;
    });
  }

  /** Also deletes the waiting events. Returns false if the webhook does not exist. */
  async remove(applicationId: string, name: string, revisions?: readonly string[]): Promise<boolean> {
    return inTransaction(this.database, async (transaction) => {
      await holdWebhook(transaction, applicationId, name, revisions);
      const { rows } = await sql`
        delete from webhook where application_id = ${applicationId} and name = ${name} returning id`.execute(
        transaction,
      );
      return rows.length > 0;
    });
  }
}

/** Of what a caller can change. */
export function webhookRevision({ url, eventTypes, labels, campaigns }: Webhook): string {
  return revisionOf({ url, eventTypes, labels, campaigns });
}

/** The webhook stays as it is until the commit. Throws CARIL0412E if there is one of another revision. */
async function holdWebhook(
  tx: Tx,
  applicationId: string,
  name: string,
  revisions: readonly string[] | undefined,
): Promise<Webhook | undefined> {
  const { rows } = await sql<Webhook>`
    select name, url, event_types as "eventTypes", labels, campaigns from webhook
    where application_id = ${applicationId} and name = ${name} for no key update`.execute(tx);
  if (rows[0]) checkRevision(revisions, webhookRevision(rows[0]));
  return rows[0];
}

/** Resets the failures of events, because their address is being replaced. */
export async function forgetFailures(db: Kysely<Tables>, webhookId: number): Promise<void> {
  await sql`
    update webhook_event set tries = 0, retry_at = null where webhook_id = ${webhookId} and tries > 0`.execute(db);
}

/** Those that are there, in their order. */
export function openSecrets(
  vault: Vault,
  applicationId: string,
  name: string,
  sealed: readonly (Buffer | null)[],
): string[] {
  const context = contextOf(applicationId, name);
  return sealed.filter((secret) => secret !== null).map((secret) => vault.open(secret, context));
}

function contextOf(applicationId: string, name: string): string {
  return `webhook/${applicationId}/${name}`;
}

/** The words must not contain commas, quotes or braces. */
function toArray(words: readonly string[]): string {
  return `{${words.join(',')}}`;
}

/** The secret, and during a rotation the one before. */
export const SEALED_WEBHOOK_SECRETS: readonly SealedColumn[] = ['secret', 'secret_before'].map((column) => ({
  table: 'webhook',
  column,
  key: ['application_id', 'name'],
  contextOf,
}));
