import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * When a future time was written, by the same clock: if the time of writing is in the future, the clock was set back
 * since, and the wait starts again (delivery/upkeep/sweep.repository.ts). Null in older rows.
 */
const STEPS = [
  'alter table batch add column waits_since timestamptz',
  'alter table message add column waits_since timestamptz',
  'alter table message_rate add column written_at timestamptz',
  'alter table pace add column written_at timestamptz',
];

export async function up(db: Kysely<never>): Promise<void> {
  for (const step of STEPS) await sql.raw(step).execute(db);
  await sql.raw(PROMOTE_BATCHES).execute(db);
}

// As in 0015-promotion, with waits_since added.
const PROMOTE_BATCHES = `
  create or replace function promote_batches(lot_application text, lot_provider text, window_size integer)
  returns table (id bigint, epoch integer, provider text, direct boolean, outstanding integer)
  language plpgsql as $$
  #variable_conflict use_column
  begin
    if not exists (select from batch
      where application_id = lot_application and provider = lot_provider and state = 'waiting') then return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended(lot_provider || ' ' || lot_application, 0));
    return query
      with ahead as (
          select id from batch
          where application_id = lot_application and provider = lot_provider and state = 'waiting' and direct
          for update skip locked),
        outstanding as (
          select count(*)::integer as number from batch
          where application_id = lot_application and provider = lot_provider and not direct
            and state in ('ready', 'leased') and (due_at <= clock_timestamp() or has_slot)),
        next as (
          select id from batch
          where application_id = lot_application and provider = lot_provider and state = 'waiting' and not direct
          order by id limit greatest(0, window_size - (select number from outstanding))
          for update skip locked)
      update batch set state = 'ready', due_at = now(), waits_since = now()
      where id in (select id from ahead union all select id from next)
      returning id, epoch, provider, direct, (select number from outstanding);
  end $$`;
