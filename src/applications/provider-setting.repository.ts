import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { wallClock } from '../common/clock.js';
import { HOUR_S } from '../common/durations.js';
import { checkRevision, revisionOf } from '../common/revision.js';
import { Vault } from '../common/vault.js';
import { ITSELF, recordAudit } from '../auth/audit.repository.js';
import type { Actor, AuditedChange } from '../auth/audit.repository.js';
import { changesBetween } from '../auth/audited-changes.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { SealedColumn } from '../database/sealed.js';
import type { ProviderName } from '../providers/provider.js';
import { hasStepped, isOfTheFuture } from '../database/waits.js';
import type { BatchState, SettingName } from '../database/tables.js';
import { inTransaction } from '../database/transaction.js';
import type { Tx } from '../database/transaction.js';
import type { ProviderSettings } from '../providers/provider.js';

/** Why and since when sending at a provider is paused; every member is null without a pause. */
export interface Pause {
  pausedReason: string | null;
  pausedBy: string | null;
  pausedAt: Date | null;
  /** When the next single delivery is tried. */
  nextTryAt: Date | null;
}

export interface StoredSettings extends ProviderSettings, Pause {
  /** Grows with every change, also across a removal. Connections and token caches are kept per version. */
  version: number;
  /** When the settings were put; a pause and its end leave it. */
  updatedAt: Date;
}

/** Of what a caller can change; the secret part shows as another time. */
export function settingsRevision({ visible, updatedAt }: Pick<StoredSettings, 'visible' | 'updatedAt'>): string {
  return revisionOf({ visible, updatedAt });
}

/** Seconds from a pause to its first try; later waits double up to an hour. */
const FIRST_TRY_S = 30;
const LONGEST_TRY_S = HOUR_S;

/** An SQL interval: the wait after this many tries. */
export function waitForTry(tries: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`make_interval(secs => least(${LONGEST_TRY_S}, ${FIRST_TRY_S} * power(2, least(${tries}, 10))))`;
}

/**
 * Also due if `next_try_at` less its wait, the time of writing, lies in the future: then the clock was set back since.
 */
export const isTryDue = sql<boolean>`(next_try_at <= now() or ${isOfTheFuture(sql`(next_try_at - ${waitForTry(sql`tries`)})`)})`;

const NOT_PAUSED = { paused_reason: null, paused_by: null, paused_at: null, next_try_at: null, tries: 0 };
const PAUSE_COLUMNS = ['paused_reason', 'paused_by', 'paused_at', 'next_try_at'] as const;

type PauseRow = {
  paused_reason: string | null;
  paused_by: string | null;
  paused_at: Date | null;
  next_try_at: Date | null;
};

function pauseOf(row: PauseRow): Pause {
  const isPaused = row.paused_reason !== null;
  return {
    pausedReason: row.paused_reason,
    pausedBy: isPaused ? row.paused_by : null,
    pausedAt: isPaused ? row.paused_at : null,
    nextTryAt: isPaused ? row.next_try_at : null,
  };
}

/** Provider settings. The secret part is encrypted in the database. */
@Injectable()
export class ProviderSettingRepository {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly vault: Vault,
  ) {}

  async find(applicationId: string, provider: SettingName): Promise<StoredSettings | undefined> {
    const row = await this.database.kysely
      .selectFrom('provider_setting')
      .select(['version', 'visible', 'secret', 'updated_at', ...PAUSE_COLUMNS])
      .where('application_id', '=', applicationId)
      .where('provider', '=', provider)
      .executeTakeFirst();
    return (
      row && {
        version: row.version,
        updatedAt: row.updated_at,
        visible: row.visible,
        secret: JSON.parse(this.vault.open(row.secret, contextOf(applicationId, provider))) as Record<string, unknown>,
        ...pauseOf(row),
      }
    );
  }

  /**
   * Replaces the settings and ends a pause, because new credentials are the usual cure. Returns the new revision.
   * Throws CARIL0412E if the settings are of another revision; an empty list of revisions: if there are settings.
   */
  async put(
    applicationId: string,
    provider: SettingName,
    settings: ProviderSettings,
    actor: Actor = ITSELF,
    revisions?: readonly string[],
  ): Promise<string> {
    const values = {
      visible: JSON.stringify(settings.visible),
      secret: this.vault.seal(JSON.stringify(settings.secret), contextOf(applicationId, provider)),
      ...NOT_PAUSED,
      updated_at: sql<Date>`now()`,
      version: sql<number>`nextval('provider_setting_version')`,
    };
    return inTransaction(this.database, async (transaction) => {
      const held = await holdSettings(transaction, applicationId, provider);
      checkRevision(revisions, held ? settingsRevision(held) : null);
      const { updated_at: updatedAt } = await transaction
        .insertInto('provider_setting')
        .values({ application_id: applicationId, provider, ...values })
        .onConflict((conflict) =>
          // The version is drawn after the row is locked, so that the last of several concurrent writers has the
          // highest.
          conflict.columns(['application_id', 'provider']).doUpdateSet(values),
        )
        .returning('updated_at')
        .executeTakeFirstOrThrow();
      const isSame = held !== undefined && this.isSecret(held.secret, settings, applicationId, provider);
      const changes = {
        ...changesBetween(held?.visible, settings.visible),
        ...(!isSame && { secret: held ? 'changed' : 'set' }),
      };
      await recordAudit(transaction, actor, changeOf('provider_setting.put', applicationId, provider, changes));
      return settingsRevision({ visible: settings.visible, updatedAt });
    });
  }

  /** False also for a stored secret that does not open. */
  private isSecret(sealed: Buffer, { secret }: ProviderSettings, applicationId: string, provider: string): boolean {
    try {
      return this.vault.open(sealed, contextOf(applicationId, provider)) === JSON.stringify(secret);
    } catch {
      return false;
    }
  }

  /** Writes the same settings in a newer format; version, pause and audit stay. */
  async renew(
    applicationId: string,
    provider: SettingName,
    version: number,
    settings: ProviderSettings,
  ): Promise<void> {
    const secret = this.vault.seal(JSON.stringify(settings.secret), contextOf(applicationId, provider));
    await this.database.kysely
      .updateTable('provider_setting')
      .set({ secret })
      .where('application_id', '=', applicationId)
      .where('provider', '=', provider)
      .where('version', '=', version)
      .execute();
  }

  /** Returns false if there were none. Throws CARIL0412E if the settings are of another revision. */
  remove(
    applicationId: string,
    provider: SettingName,
    actor: Actor = ITSELF,
    revisions?: readonly string[],
  ): Promise<boolean> {
    return inTransaction(this.database, async (transaction) => {
      const held = await holdSettings(transaction, applicationId, provider);
      if (!held) return false;
      checkRevision(revisions, settingsRevision(held));
      await removeHeld(transaction, applicationId, provider, actor);
      return true;
    });
  }

  /**
   * Removes settings that no batch needs; throws as `remove` does. A transaction that accepts a message locks the row
   * until its batch (for a resend, its message) is inserted, so batches are read after the row is locked.
   */
  removeUnused(
    applicationId: string,
    provider: ProviderName,
    actor: Actor = ITSELF,
    revisions?: readonly string[],
  ): Promise<'removed' | 'absent' | 'used'> {
    return inTransaction(this.database, async (transaction) => {
      const held = await transaction
        .selectFrom('provider_setting')
        .select(['visible', 'updated_at as updatedAt'])
        .where('application_id', '=', applicationId)
        .where('provider', '=', provider)
        .forUpdate()
        .executeTakeFirst();
      if (!held) return 'absent';
      checkRevision(revisions, settingsRevision(held));
      if (await isWaitedFor(applicationId, provider, transaction)) return 'used';
      await removeHeld(transaction, applicationId, provider, actor);
      return 'removed';
    });
  }

  /** All settings of an application, without the encrypted part. */
  async list(applicationId: string): Promise<({ provider: SettingName; visible: Record<string, unknown> } & Pause)[]> {
    const rows = await this.database.kysely
      .selectFrom('provider_setting')
      .select(['provider', 'visible', ...PAUSE_COLUMNS])
      .where('application_id', '=', applicationId)
      .execute();
    return rows.map((row) => ({ provider: row.provider, visible: row.visible, ...pauseOf(row) }));
  }

  /**
   * Ends a pause, either on a client's request or after a successful try with these settings (`version`). A client's
   * resume counts as a change, so that every process drops its cached errors (token endpoint, avoided hosts). Returns
   * false if there was no pause.
   */
  async resume(applicationId: string, provider: SettingName, version?: number): Promise<boolean> {
    const resumed = await this.database.kysely
      .updateTable('provider_setting')
      .set({
        ...NOT_PAUSED,
        ...(version === undefined && { version: sql<number>`nextval('provider_setting_version')` }),
      })
      .where('application_id', '=', applicationId)
      .where('provider', '=', provider)
      .$if(version !== undefined, (query) => query.where('version', '=', version!))
      .where('paused_reason', 'is not', null)
      .returning('version')
      .executeTakeFirst();
    return resumed !== undefined;
  }

  /**
   * Pauses this version; a newer version of the credentials is not paused for the older one's fault. `now`: epoch ms,
   * by the clock of the refused request; null: the clock has stepped since. If the process or the database knows of a
   * step, the refusal may be due to the time alone, and a try is due at once.
   */
  async pause(
    applicationId: string,
    provider: SettingName,
    version: number,
    { reason, by }: { reason: string; by: string },
    now: number | null = wallClock(),
  ): Promise<boolean> {
    const paused = await this.database.kysely
      .updateTable('provider_setting')
      .set({
        paused_reason: reason,
        paused_by: by,
        paused_at: sql`now()`,
        next_try_at: sql`case when ${now === null || hasStepped(now)} then now() else now() + ${waitForTry(sql`0`)} end`,
        tries: 0,
      })
      .where('application_id', '=', applicationId)
      .where('provider', '=', provider)
      .where('version', '=', version)
      .where('paused_reason', 'is', null)
      .returning('version')
      .executeTakeFirst();
    return paused !== undefined;
  }
}

/** The lock lets one writer after the other look, also while there are no settings. */
async function holdSettings(tx: Tx, applicationId: string, provider: SettingName) {
  await sql`select from application where id = ${applicationId} for no key update`.execute(tx);
  const { rows } = await sql<Pick<StoredSettings, 'visible' | 'updatedAt'> & { secret: Buffer }>`
    select visible, secret, updated_at as "updatedAt" from provider_setting
    where application_id = ${applicationId} and provider = ${provider}`.execute(tx);
  return rows[0];
}

async function removeHeld(tx: Tx, applicationId: string, provider: SettingName, actor: Actor): Promise<void> {
  const query = tx.deleteFrom('provider_setting').where('application_id', '=', applicationId);
  await query.where('provider', '=', provider).execute();
  await recordAudit(tx, actor, changeOf('provider_setting.delete', applicationId, provider));
}

const UNDONE = ['parked', 'waiting', 'ready', 'leased'] satisfies BatchState[];

/** One query per state, because each state has its own index and none scans finished batches. */
async function isWaitedFor(applicationId: string, provider: ProviderName, transaction: Tx): Promise<boolean> {
  const each = UNDONE.map(
    (state) => sql`(select id from batch
      where application_id = ${applicationId} and provider = ${provider} and state = ${sql.lit(state)} limit 1)`,
  );
  // A resend of a relayed message has no batch until it is expanded (index message_unfinished).
  if (provider === 'upstream')
    each.push(sql`(select seq from message
      where application_id = ${applicationId} and state in ('accepted', 'expanding')
        and resend_of is not null and notification->'relay' is not null limit 1)`);
  // A single statement: between two statements a batch could change its state and be missed.
  const { rows } = await sql`${sql.join(each, sql` union all `)}`.execute(transaction);
  return rows.length > 0;
}

/** `changes`: of the visible settings, and whether the secret part changed. */
function changeOf(
  action: AuditedChange['action'],
  applicationId: string,
  provider: SettingName,
  changes: Record<string, unknown> = {},
): AuditedChange {
  return { action, subject: applicationId, detail: { provider, ...changes } };
}

function contextOf(applicationId: string, provider: string): string {
  return `provider_setting/${applicationId}/${provider}`;
}

export const SEALED_SETTINGS: SealedColumn = {
  table: 'provider_setting',
  column: 'secret',
  key: ['application_id', 'provider'],
  contextOf,
};
