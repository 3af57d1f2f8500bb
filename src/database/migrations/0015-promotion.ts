import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * Admits batches to the window of their application and provider, in one call (delivery/batch.repository.ts). One
 * transaction at a time may count a window, otherwise two would each fill it. A lock over several statements of a busy
 * worker lasts 40 ms, which limited the speed of a broadcast (npm run bench:broadcast).
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql.raw(PROMOTE_BATCHES).execute(db);
}

// Each statement of the function sees the commits before its own start, so the count follows the lock. Uses the clock
// when rows are read: now() is the start of the transaction, before which another one may not have committed its batch.
const PROMOTE_BATCHES = `
  create function promote_batches(lot_application text, lot_provider text, window_size integer)
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
      update batch set state = 'ready', due_at = now()
      where id in (select id from ahead union all select id from next)
      returning id, epoch, provider, direct, (select number from outstanding);
  end $$`;
