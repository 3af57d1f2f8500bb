import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Tables } from '../database/tables.js';
import type { Tx } from '../database/transaction.js';
import { recordAudit } from './audit.repository.js';
import type { Actor, AuditedChange } from './audit.repository.js';
import { countChange } from './change.repository.js';
import type { Client, ClientLimits, ClientSecret } from './client.js';
import type { ClientKeys } from './client-keys.js';

export type ClientFields = Pick<
  Client,
  'displayName' | 'allowedScope' | 'enabled' | 'certificateBound' | keyof ClientLimits | keyof ClientKeys
>;

export type NewSecret = Pick<ClientSecret, 'hash' | 'expiresAt'>;

@Injectable()
export class ClientRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Ordered by id. */
  list(): Promise<Client[]> {
    return listClients(this.database.kysely);
  }

  /** Begins a change of the registry: it waits for the changes before it, and later changes wait for the commit. */
  async beginChange(actor: Actor, tx: Tx): Promise<ClientChanges> {
    await countChange(tx, 'client');
    return new ClientChanges(tx, actor);
  }

  /**
   * Epoch milliseconds by client id and by secret id. Does not count as a change, so that other processes do not
   * reload.
   */
  async recordUse(clients: ReadonlyMap<string, number>, secrets: ReadonlyMap<number, number>): Promise<void> {
    const { kysely } = this.database;
    await sql`update client set last_used_at = greatest(last_used_at, used.at)
      from jsonb_to_recordset(${asRecords(clients)}::jsonb) as used (id text, at timestamptz)
      where client.id = used.id`.execute(kysely);
    await sql`update client_secret set last_used_at = greatest(last_used_at, used.at)
      from jsonb_to_recordset(${asRecords(secrets)}::jsonb) as used (id bigint, at timestamptz)
      where client_secret.id = used.id`.execute(kysely);
  }
}

/** The registry inside a transaction that excludes other changes. */
export class ClientChanges {
  constructor(
    private readonly transaction: Tx,
    private readonly actor: Actor,
  ) {}

  list(): Promise<Client[]> {
    return listClients(this.transaction);
  }

  /** `secret` undefined: the client authenticates by its keys. */
  async add(id: string, fields: ClientFields, secret: NewSecret | undefined): Promise<void> {
    await this.transaction
      .insertInto('client')
      .values({ id, ...columnsOf(fields) })
      .execute();
    if (secret !== undefined) await this.insertSecret(id, secret);
    await this.audit('client.create', id, fields);
  }

  async update(client: Client, fields: ClientFields): Promise<void> {
    await this.transaction.updateTable('client').set(columnsOf(fields)).where('id', '=', client.id).execute();
    const { displayName, allowedScope, enabled, certificateBound, requestsPerSecond, concurrentRequests } = client;
    const { jwks, jwksUri } = client;
    const flags = { displayName, allowedScope, enabled, certificateBound };
    const before = { ...flags, requestsPerSecond, concurrentRequests, jwks, jwksUri };
    await this.audit('client.update', client.id, { before, after: fields });
  }

  async remove({ id, displayName, allowedScope, enabled }: Client): Promise<void> {
    await this.transaction.deleteFrom('client').where('id', '=', id).execute();
    await this.audit('client.delete', id, { displayName, allowedScope, enabled });
  }

  /** Only the new secret is valid from now on; tokens issued so far become invalid. */
  async replaceSecret(id: string, secret: NewSecret): Promise<void> {
    await this.transaction.deleteFrom('client_secret').where('client_id', '=', id).execute();
    await this.insertSecret(id, secret);
    await sql`update client set generation = nextval('client_generation') where id = ${id}`.execute(this.transaction);
    await this.audit('client.secret', id, { previous: 'dropped at once, with its tokens' });
  }

  /** Adds a secret; the current one expires at the given time at the latest. */
  async rotateSecret(id: string, secret: NewSecret, now: Date, previousExpires: Date): Promise<void> {
    await this.transaction
      .deleteFrom('client_secret')
      .where('client_id', '=', id)
      .where('expires_at', '<=', now)
      .execute();
    await this.transaction
      .updateTable('client_secret')
      .set({ expires_at: sql<Date>`least(expires_at, ${previousExpires})` })
      .where('client_id', '=', id)
      .execute();
    await this.insertSecret(id, secret);
    await this.audit('client.secret', id, { previous: `holds until ${previousExpires.toISOString()}` });
  }

  private async insertSecret(clientId: string, { hash, expiresAt }: NewSecret): Promise<void> {
    await this.transaction
      .insertInto('client_secret')
      .values({ client_id: clientId, hash, expires_at: expiresAt })
      .execute();
  }

  private audit(action: AuditedChange['action'], subject: string, detail: object): Promise<void> {
    return recordAudit(this.transaction, this.actor, { action, subject, detail: { ...detail } });
  }
}

/** One statement, so that a client is never read between two changes of its secrets. */
async function listClients(kysely: Kysely<Tables>): Promise<Client[]> {
  const rows = await kysely
    .selectFrom('client')
    .leftJoin('client_secret', 'client_secret.client_id', 'client.id')
    .select(['client.id', 'display_name', 'allowed_scope', 'enabled', 'generation', 'client.created_at'])
    .select([
      'requests_per_second',
      'concurrent_requests',
      'client.last_used_at',
      'jwks',
      'jwks_uri',
      'certificate_bound',
    ])
    .select(['client_secret.id as secret_id', 'hash', 'expires_at'])
    .select(['client_secret.created_at as secret_created_at', 'client_secret.last_used_at as secret_last_used_at'])
    .orderBy('client.id')
    .orderBy('secret_id', 'desc')
    .execute();
  const clients = new Map<string, Client>();
  for (const row of rows) {
    const client = clients.get(row.id) ?? {
      id: row.id,
      displayName: row.display_name,
      allowedScope: row.allowed_scope,
      enabled: row.enabled,
      certificateBound: row.certificate_bound,
      requestsPerSecond: row.requests_per_second,
      concurrentRequests: row.concurrent_requests,
      generation: row.generation,
      createdAt: row.created_at,
      lastUsedAt: row.last_used_at,
      jwks: row.jwks,
      jwksUri: row.jwks_uri,
      secrets: [],
    };
    if (row.secret_id !== null)
      client.secrets.push({
        id: row.secret_id,
        hash: row.hash!,
        createdAt: row.secret_created_at!,
        expiresAt: row.expires_at,
        lastUsedAt: row.secret_last_used_at,
      });
    clients.set(row.id, client);
  }
  return [...clients.values()];
}

function columnsOf(fields: ClientFields) {
  return {
    display_name: fields.displayName,
    allowed_scope: fields.allowedScope,
    enabled: fields.enabled,
    certificate_bound: fields.certificateBound,
    requests_per_second: fields.requestsPerSecond,
    concurrent_requests: fields.concurrentRequests,
    jwks: fields.jwks,
    jwks_uri: fields.jwksUri,
  };
}

function asRecords(uses: ReadonlyMap<string | number, number>): string {
  return JSON.stringify([...uses].map(([id, at]) => ({ id, at: new Date(at).toISOString() })));
}
