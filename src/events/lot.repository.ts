import { sql } from 'kysely';
import type { Tx } from '../database/transaction.js';

/** Outcomes in one event, as in one batch. */
const LOT = 1_000;
/** The longest wait of a lot for more outcomes. A clock that was set makes the wait neither longer nor endless. */
const LONGEST_S = 60;

/**
 * Joins waiting lots of one message, type and provider up to a thousand outcomes, so that a slow broadcast has as few
 * events as a fast one. A lot waits until it is full, its message has ended, or its time is over. No reader has seen a
 * waiting lot, so its event may change: of the events that end in a joined lot, the last one gets the outcomes of the
 * lot, and the earlier ones are deleted.
 */
export async function gatherLots(tx: Tx): Promise<void> {
  await sql`
    with waiting as materialized (
      select id, application_id, subject, type, gathered, created_at, body->'data' as data,
        body->'data'->>'provider' as provider
      from event where position is null and gathered is not null),
    ready as materialized (
      select *, row_number() over () as nr from (
        select application_id, subject, type, provider, sum(gathered) as total, bool_or(created_at not between
            now() - make_interval(secs => ${LONGEST_S}) and now() + make_interval(secs => ${LONGEST_S}))
          or exists (select from message where message.application_id = waiting.application_id
            and 'message/' || message.id = subject and finished_at is not null) as is_over
        from waiting group by application_id, subject, type, provider) as gathering
      where is_over or total >= ${sql.lit(LOT)}),
    part as materialized (
      select ready.nr, is_over, id, data, gathered, sum(gathered) over (partition by ready.nr order by id) as reached
      from ready join waiting using (application_id, subject, type, provider)),
    whole as (
      select nr, place / ${sql.lit(LOT)} as lot, count(*) as count, json_agg(delivery order by place) as deliveries
      from (select nr, reached - gathered + ordinality - 1 as place, delivery
        from part cross join lateral json_array_elements(data->'deliveries') with ordinality as member (delivery)) as all_of
      group by nr, place / ${sql.lit(LOT)}),
    kept as (
      select nr, (reached - 1) / ${sql.lit(LOT)} as lot, max(id) as id, bool_or(is_over) as is_over from part group by 1, 2),
    joined as (
      update event set gathered = case when whole.count < ${sql.lit(LOT)} and not is_over then whole.count end,
        body = json_build_object('type', type, 'id', event_id, 'timestamp', body->'timestamp', 'data',
          json_strip_nulls(json_build_object('applicationId', application_id, 'messageId', body->'data'->'messageId',
            'label', label, 'campaignId', campaign_id, 'provider', body->'data'->'provider', 'count', whole.count,
            'deliveries', whole.deliveries)))
      from kept join whole using (nr, lot) where event.id = kept.id)
    delete from event using part where event.id = part.id and not exists (select from kept where kept.id = event.id)`.execute(
    tx,
  );
}
