import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { bigints } from '../database/bigints.js';
import type { Target } from '../database/tables.js';
import type { Tx } from '../database/transaction.js';
import { MessageControlRepository } from '../messages/control/message-control.repository.js';
import { forgetIn, forgetTarget } from './forget.js';
import type { Person } from './forget.js';

/** Rows per step: read (1 KB each), emptied or cancelled, and rewritten (each may have lists of ten thousand ids). */
const LOOKED_AT = 1_000;
const EMPTIED = 200;
const REWRITTEN = 20;
const DEFINITIONS = 20;

type ForgettingStep = 'more' | 'held' | 'done';

/** The state of a removal. */
export interface Removal {
  application_id: string;
  user_id: string;
  pseudonym: string;
  device_ids: string[];
  last_device: number;
  last_message: number;
}

/** Replaces a removed user's id by a pseudonym in messages and campaigns, and empties messages to that user alone. */
@Injectable()
export class ForgettingRepository {
  constructor(private readonly control: MessageControlRepository) {}

  /**
   * One step: through the application's messages in the order of their acceptance, then through its campaigns and saved
   * audiences. Rows that another transaction has locked are left to a later step, because waiting could deadlock.
   */
  async step(removal: Removal, transaction: Tx): Promise<ForgettingStep> {
    const messages = await this.forgetMessages(removal, transaction);
    if (messages !== 'done') return messages;
    const campaigns = await this.forgetDefinitions('campaign', removal, transaction);
    const runs = campaigns === 'done' ? await this.forgetDefinitions('campaign_run', removal, transaction) : campaigns;
    return runs === 'done' ? forgetAudiences(removal, transaction) : runs;
  }

  private async forgetMessages(removal: Removal, transaction: Tx): Promise<ForgettingStep> {
    const { application_id: applicationId, user_id: userId } = removal;
    const own = sql`user_removal.application_id = ${applicationId} and user_removal.user_id = ${userId}`;
    const page = sql`
      select message.seq, message.accepted_at from user_removal join message
        on message.application_id = ${applicationId} and (message.accepted_at, message.seq) > (looked_at, looked_seq)
        and message.accepted_at <= asked_at + interval '1 minute'
      where ${own} order by message.accepted_at, message.seq limit ${LOOKED_AT}`;
    const named = sql.join(
      [sql`message.target`, sql`message.body->'target'`, sql`message.body->'settings'->'target'`].map((target) =>
        names(target, removal),
      ),
      sql` or `,
    );
    const { rows: found } = await sql<{ seq: number }>`
      with page as materialized (${page})
      select message.seq from page join message using (seq)
      where message.seq <= ${removal.last_message} and (${named} or message.body->'data' ? ${userId})
      limit ${EMPTIED + 1}`.execute(transaction);
    const seqs = found.slice(0, EMPTIED).map(({ seq }) => seq);
    const done = await this.forgetNamed(seqs, removal, transaction);
    if (done < found.length) return done === 0 ? 'held' : 'more';
    const { rows } = await sql<{ looked: number }>`
      with page as materialized (${page}),
      moved as (
        update user_removal set looked_at = last.accepted_at, looked_seq = last.seq
        from (select * from page order by accepted_at desc, seq desc limit 1) as last where ${own})
      select count(*)::int as looked from page`.execute(transaction);
    return rows[0]?.looked === LOOKED_AT ? 'more' : 'done';
  }

  /** Returns how many rows no longer name the user. */
  private async forgetNamed(seqs: readonly number[], removal: Removal, transaction: Tx): Promise<number> {
    if (seqs.length === 0) return 0;
    const { rows } = await sql<{ seq: number; id: string; moving: boolean; alone: boolean }>`
      select seq, id, finished_at is null as moving, not notification ? 'relay' and (
          target->'userIds' = ${JSON.stringify([removal.user_id])}::jsonb
          or target->'deviceIds' <@ ${JSON.stringify(removal.device_ids)}::jsonb) is true as alone
      from message where seq = any(${bigints(seqs)}) order by seq for update skip locked`.execute(transaction);
    const alone = rows.filter((row) => row.alone);
    const shared = rows.filter((row) => !row.alone).slice(0, REWRITTEN);
    const emptied = [...alone];
    for (const row of shared) if (await rewrite(row.seq, removal, transaction)) emptied.push(row);
    for (const { id, moving } of emptied)
      if (moving) await this.control.cancel(removal.application_id, id, transaction);
    await empty(
      emptied.map(({ seq }) => seq),
      removal,
      transaction,
    );
    return alone.length + shared.length;
  }

  /** Also rewrites the definitions stored with runs, which waves still to come use. */
  private async forgetDefinitions(
    table: 'campaign' | 'campaign_run',
    removal: Removal,
    transaction: Tx,
  ): Promise<ForgettingStep> {
    const target = sql`${sql.table(table)}.definition->'target'`;
    const found = sql`
      from ${sql.table(table)} ${table === 'campaign' ? sql`` : sql`join campaign on campaign.seq = campaign_run.campaign_seq`}
      where campaign.application_id = ${removal.application_id} and (${names(target, removal)})`;
    const { rows } = await sql<{ seq: number; definition: Record<string, unknown> }>`
      select ${sql.table(table)}.seq, ${sql.table(table)}.definition ${found}
      limit ${DEFINITIONS} for update of ${sql.table(table)} skip locked`.execute(transaction);
    for (const { seq, definition } of rows) {
      const changed = { ...definition, target: forgetTarget(definition.target, personOf(removal)) };
      await sql`update ${sql.table(table)} set definition = ${JSON.stringify(changed)}::jsonb where seq = ${seq}`.execute(
        transaction,
      );
    }
    if (rows.length > 0) return 'more';
    const { rows: left } = await sql`select ${found} limit 1`.execute(transaction);
    return left.length === 0 ? 'done' : 'held';
  }
}

async function forgetAudiences(removal: Removal, transaction: Tx): Promise<ForgettingStep> {
  const found = sql`from audience where application_id = ${removal.application_id} and (${names(sql`audience.target`, removal)})`;
  const { rows } = await sql<{ name: string; target: Record<string, unknown> }>`
    select name, target ${found} limit ${DEFINITIONS} for update skip locked`.execute(transaction);
  for (const { name, target } of rows) {
    const changed = JSON.stringify(forgetTarget(target, personOf(removal)));
    await sql`update audience set target = ${changed}::jsonb
      where application_id = ${removal.application_id} and name = ${name}`.execute(transaction);
  }
  if (rows.length > 0) return 'more';
  const { rows: left } = await sql`select ${found} limit 1`.execute(transaction);
  return left.length === 0 ? 'done' : 'held';
}

/** Whether a list of the target contains the user or one of the devices. */
function names(target: RawBuilder<unknown>, { user_id: userId, device_ids: deviceIds }: Removal): RawBuilder<boolean> {
  const has = (list: string): RawBuilder<unknown> => sql`jsonb_typeof(${target}->${sql.lit(list)}) = 'array'`;
  return sql`${has('userIds')} and ${target}->'userIds' ? ${userId}
    or ${has('deviceIds')} and ${target}->'deviceIds' ?| ${deviceIds}::text[]`;
}

function personOf({ user_id: userId, device_ids: deviceIds, pseudonym }: Removal): Person {
  return { userId, deviceIds: new Set(deviceIds), pseudonym };
}

/** Returns true if the message has no other recipient. */
async function rewrite(seq: number, removal: Removal, transaction: Tx): Promise<boolean> {
  const { rows } = await sql<{
    target: Target;
    body: Record<string, unknown>;
    relay: Record<string, unknown> | null;
  }>`
    select target, body, notification->'relay' as relay from message where seq = ${seq}`.execute(transaction);
  const { target, body, relay, alone } = forgetIn(rows[0]!, personOf(removal));
  await sql`
    update message set target = ${JSON.stringify(target)}::jsonb, body = ${JSON.stringify(body)}::jsonb,
      notification = case when notification ? 'relay'
        then jsonb_set(notification, '{relay}', ${JSON.stringify(relay)}::jsonb) else notification end
    where seq = ${seq}`.execute(transaction);
  return alone;
}

/** Removes the content of messages to the user alone. State, counts, label, times and batches stay. */
async function empty(seqs: readonly number[], { pseudonym }: Removal, transaction: Tx): Promise<void> {
  if (seqs.length === 0) return;
  const target = { userIds: [pseudonym] };
  const body = { message: { alert: '' }, target };
  await sql`
    update message set target = ${JSON.stringify(target)}::jsonb, body = ${JSON.stringify(body)}::jsonb,
      notification = jsonb_build_object('alert', '', 'collapseId', notification->'collapseId')
    where seq = any(${bigints(seqs)})`.execute(transaction);
}
