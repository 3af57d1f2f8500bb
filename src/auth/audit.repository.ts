import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { inTransaction } from '../database/transaction.js';
import type { Tx } from '../database/transaction.js';
import type { CallerRequest } from '../http/callers.js';
import type { Person } from './session/session.js';

/** The caller of a change, and its request. Acts of the server itself have none. */
export interface Actor extends Partial<CallerRequest> {
  clientId: string;
  address: string;
  /** Absent: a client acts by itself. */
  person?: Person;
  /** Of a person: scopes, one of which covers each act. */
  grants?: readonly (readonly string[])[];
}
/** The actor of the server's own changes: at start, and when a key is rotated. */
export const ITSELF: Actor = { clientId: 'carillon', address: 'local' };

export interface AuditedChange {
  action:
    | 'client.create'
    | 'client.update'
    | 'client.delete'
    | 'client.secret'
    | 'client.stop_messages'
    | 'session.create'
    | 'session.end'
    | 'signing_key.rotate'
    | 'application.approval'
    | 'application.delete'
    | 'campaign.approve'
    | 'message.approve'
    | 'application.stop'
    | 'application.resume'
    | 'user.delete'
    | 'webhook.secret'
    | 'provider_setting.put'
    | 'provider_setting.delete';
  /** The id of the client, the key or the application. */
  subject: string;
  /** Contains no secret and no hash of one. */
  detail: Record<string, unknown>;
}

export interface AuditEvent extends AuditedChange {
  id: number;
  at: Date;
  actor: Actor;
}

/** Events of one step of an export. */
const STEP = 1_000;

/** Exact values. */
export interface AuditFilter {
  clientId?: string;
  action?: string;
  subject?: string;
}

@Injectable()
export class AuditRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Records a change that takes several transactions, before the first one. */
  record(actor: Actor, change: AuditedChange): Promise<void> {
    return inTransaction(this.database, (transaction) => recordAudit(transaction, actor, change));
  }

  /** Newest first; `before`: only events with a smaller id. A filter that finds nothing reads all events. */
  async list(size: number, before?: number, filter: AuditFilter = {}): Promise<AuditEvent[]> {
    const { clientId, action, subject } = filter;
    let query = this.database.kysely.selectFrom('audit_event').selectAll().orderBy('id', 'desc').limit(size);
    if (before !== undefined) query = query.where('id', '<', before);
    if (clientId !== undefined) query = query.where('client_id', '=', clientId);
    if (action !== undefined) query = query.where('action', '=', action);
    if (subject !== undefined) query = query.where('subject', '=', subject);
    const rows = await query.execute();
    return rows.map((row) => ({
      id: row.id,
      at: row.at,
      actor: {
        clientId: row.client_id,
        address: row.address,
        ...(row.request_id && { requestId: row.request_id }),
        ...(row.user_agent && { userAgent: row.user_agent }),
        ...(row.person && { person: row.person }),
      },
      action: row.action as AuditEvent['action'],
      subject: row.subject,
      detail: row.detail,
    }));
  }

  /** All events of the filter in steps, newest first. */
  async *listAll(before: number | undefined, filter: AuditFilter): AsyncGenerator<AuditEvent[]> {
    for (let from = before; ;) {
      const events = await this.list(STEP, from, filter);
      if (events.length > 0) yield events;
      if (events.length < STEP) return;
      from = events.at(-1)!.id;
    }
  }
}

/** Records a change in the transaction of the change, so that neither is stored without the other. */
export async function recordAudit(
  transaction: Tx,
  { clientId, address, requestId, userAgent, person }: Actor,
  { action, subject, detail }: AuditedChange,
): Promise<void> {
  await transaction
    .insertInto('audit_event')
    .values({
      ...{ client_id: clientId, address, action, subject, detail: JSON.stringify(detail) },
      person: person ? JSON.stringify(person) : null,
      request_id: requestId ?? null,
      user_agent: userAgent ?? null,
    })
    .execute();
}
