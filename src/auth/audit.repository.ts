import { Inject, Injectable } from '@nestjs/common';
import type { Kysely, Selectable } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { Tables } from '../database/tables.js';
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

/** `failed`: the server answered 5xx, and the act may have been done. */
export const AUDIT_OUTCOMES = ['done', 'refused', 'failed'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

export interface AuditedAct {
  action: string;
  /** The id of the client, the key or the application. */
  subject: string;
  /** Contains no secret and no hash of one. */
  detail: Record<string, unknown>;
  /** Absent: done. */
  outcome?: AuditOutcome;
}

/** An act that the transaction of its change records. The acts of other routes are in src/audit/acts.ts. */
export interface AuditedChange extends AuditedAct {
  action:
    | 'client.create'
    | 'client.update'
    | 'client.delete'
    | 'client.secret'
    | 'client.stop_messages'
    | 'session.create'
    | 'session.end'
    | 'signing_key.rotate'
    | 'application.update'
    | 'audit.fold'
    | 'application.delete'
    | 'campaign.approve'
    | 'message.approve'
    | 'application.stop'
    | 'application.resume'
    | 'user.delete'
    | 'webhook.replay'
    | 'webhook.secret'
    | 'provider_setting.put'
    | 'provider_setting.delete';
}

export interface AuditEvent extends AuditedAct {
  id: number;
  at: Date;
  actor: Actor;
  outcome: AuditOutcome;
  /** The place in the chain and the hash; null: not in the chain yet. */
  seq: number | null;
  hash: Buffer | null;
}

/** Events of one step of an export. */
const STEP = 1_000;

/** Exact values, and a span of time from `since` to before `until`. */
export interface AuditFilter {
  clientId?: string;
  action?: string;
  subject?: string;
  outcome?: AuditOutcome;
  since?: Date;
  until?: Date;
}

@Injectable()
export class AuditRepository {
  constructor(@Inject(DATABASE) private readonly database: Pick<Database, 'kysely'>) {}

  /** Records an act in a transaction of its own. */
  record(actor: Actor, act: AuditedAct): Promise<void> {
    return insert(this.database.kysely, actor, act);
  }

  /** Newest first; `before`: only events with a smaller id. */
  async list(size: number, before?: number, filter: AuditFilter = {}): Promise<AuditEvent[]> {
    const { clientId, action, subject, outcome, since, until } = filter;
    let query = this.database.kysely.selectFrom('audit_event').selectAll().orderBy('id', 'desc').limit(size);
    if (before !== undefined) query = query.where('id', '<', before);
    if (clientId !== undefined) query = query.where('client_id', '=', clientId);
    if (action !== undefined) query = query.where('action', '=', action);
    if (subject !== undefined) query = query.where('subject', '=', subject);
    if (outcome !== undefined) query = query.where('outcome', '=', outcome);
    if (since !== undefined) query = query.where('at', '>=', since);
    if (until !== undefined) query = query.where('at', '<', until);
    const rows = await query.execute();
    return rows.map(toEvent);
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
export function recordAudit(transaction: Tx, actor: Actor, change: AuditedChange): Promise<void> {
  return insert(transaction, actor, change);
}

async function insert(
  kysely: Kysely<Tables>,
  { clientId, address, requestId, userAgent, person }: Actor,
  { action, subject, detail, outcome }: AuditedAct,
): Promise<void> {
  await kysely
    .insertInto('audit_event')
    .values({
      ...{ client_id: clientId, address, action, subject, detail: JSON.stringify(detail), outcome },
      person: person ? JSON.stringify(person) : null,
      request_id: requestId ?? null,
      user_agent: userAgent ?? null,
    })
    .execute();
}

export function toEvent(row: Selectable<Tables['audit_event']>): AuditEvent {
  return {
    id: row.id,
    at: row.at,
    actor: {
      clientId: row.client_id,
      address: row.address,
      ...(row.request_id && { requestId: row.request_id }),
      ...(row.user_agent && { userAgent: row.user_agent }),
      ...(row.person && { person: row.person }),
    },
    action: row.action,
    subject: row.subject,
    detail: row.detail,
    outcome: row.outcome,
    seq: row.seq,
    hash: row.hash,
  };
}
