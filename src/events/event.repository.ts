import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { ENDS_SOON_DAYS } from '../common/durations.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { countDue } from '../database/due.js';
import type { Due } from '../database/due.js';
import { inTransaction } from '../database/transaction.js';
import type { EventName } from './event-types.js';
import { gatherLots } from './lot.repository.js';

/** Events that get their position in one statement: some milliseconds for small ones. */
const PLACED = 2_000;
/** Stored bytes of a page beyond the first event; the text is up to ten times longer. */
const PAGE_BYTES = 4 * 1_024 * 1_024;
/** Rows per step of a removal: about 50 ms. */
const STEP = 5_000;

/** An event at its place. */
export interface PlacedEvent {
  position: number;
  eventId: string;
  /** JSON text. */
  body: string;
}

/** Events after a position, and how the feed stood at that moment. */
export interface EventPage {
  events: PlacedEvent[];
  /** No event of these types follows. */
  isLast: boolean;
  head: number;
  removed: number;
  /** Ids of the events at the position asked for and at the head; null: not kept. */
  eventId: string | null;
  headEventId: string | null;
}

/** Which messages have events: with one of the labels or of one of the campaigns. Null: all. */
export interface Wanted<Type extends string = EventName> {
  eventTypes: Type[];
  labels: string[] | null;
  campaigns: string[] | null;
}

interface Found {
  position: number;
  placedId: string;
  body: string;
  found: number;
}

/** `limit`: without statistics the planner expects a thousand rows, and compiles the statement for half a second. */
const HEAD = sql`(select position, removed from event_head limit 1) as head`;

const NOTHING: Wanted = { eventTypes: [], labels: null, campaigns: null };

/** Events are written by triggers, with the fact and its transaction (migrations/0075-events.ts). */
@Injectable()
export class EventRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Gives committed events their positions and hands them to the webhooks that want them. One process at a time, under
   * the lock of one row, so that a position is visible only after all positions before it. Returns how many; 0 also if
   * another process holds the lock.
   */
  place(): Promise<number> {
    return inTransaction(this.database, async (transaction) => {
      const { rows: heads } = await sql<{ position: number }>`
        select position from event_head where exists (select from event where position is null)
        for no key update skip locked`.execute(transaction);
      if (!heads[0]) return 0;
      await gatherLots(transaction);
      // A later statement, because it sees the positions that were given before the lock was free.
      const { rows } = await sql<{ placed: number }>`
        with fresh as materialized (
          select id, row_number() over (order by id) as nr
          from (select id from event where position is null and gathered is null
            and (type <> 'message.finished' or not exists (select from event as lot
              where lot.position is null and lot.gathered is not null and lot.subject = event.subject))
            order by id limit ${PLACED}) as first),
        placed as (
          update event set position = ${heads[0].position}::bigint + fresh.nr from fresh where event.id = fresh.id
          returning event.*),
        handed as (
          insert into webhook_event (webhook_id, event_id, subject, body)
          select webhook.id, placed.event_id, placed.subject, placed.body
          from placed join webhook on webhook.application_id = placed.application_id
            and placed.type = any(webhook.event_types) and webhook.created_at <= placed.created_at
            and (placed.subject not like 'message/%' or webhook.labels is null and webhook.campaigns is null
              or placed.label = any(webhook.labels) or placed.campaign_id = any(webhook.campaigns))
          order by placed.position)
        update event_head set position = position + (select count(*) from fresh)
        returning (select count(*)::int from fresh) as placed`.execute(transaction);
      return rows[0]?.placed ?? 0;
    });
  }

  /** `after` null: from the oldest event that is kept. */
  async read(
    applicationId: string,
    after: number | null,
    types: readonly EventName[] | null,
    limit: number,
  ): Promise<EventPage> {
    const from = sql`coalesce(${after}::bigint, 0)`;
    const { rows } = await sql<Omit<EventPage, 'events' | 'isLast'> & (Found | { position: null })>`
      select head.position as head, head.removed,
        (select event_id from event where position = ${from}) as "eventId",
        (select event_id from event where position = head.position) as "headEventId", page.*
      from ${HEAD} left join (
        select position, event_id as "placedId", body::text as body, found,
          sum(pg_column_size(body)) over (order by position) - pg_column_size(body) as before
        from (select *, count(*) over () as found from (
          select position, event_id, body from event
          where application_id = ${applicationId} and position > ${from} and ${isOne(types)}
          order by position limit ${limit}) as first) as counted) as page on page.before < ${PAGE_BYTES}
      order by page.position`.execute(this.database.kysely);
    const { head, removed, eventId, headEventId } = rows[0]!;
    const found = rows[0]!.position === null ? 0 : rows[0]!.found;
    const events = rows.flatMap((row) =>
      row.position === null ? [] : [{ position: row.position, eventId: row.placedId, body: row.body }],
    );
    const isLast = events.length === found && found < limit;
    return { events, isLast, head, removed, eventId, headEventId };
  }

  /** The newest position, and that of each application and type after `position`. */
  async newest(position: number): Promise<{ head: number; changes: { applicationId: string; type: string }[] }> {
    const { rows } = await sql<{ head: number; applicationId: string | null; type: string }>`
      select head.position as head, changed.application_id as "applicationId", changed.type
      from ${HEAD} left join (
        select distinct application_id, type from event where position > ${position}) as changed on true`.execute(
      this.database.kysely,
    );
    const changes = rows.flatMap(({ applicationId, type }) =>
      applicationId === null ? [] : [{ applicationId, type }],
    );
    return { head: rows[0]!.head, changes };
  }

  /** The wanted events of the feed of an application. */
  async wanted(applicationId: string): Promise<Wanted> {
    const { rows } = await sql<Wanted>`
      select event_types as "eventTypes", labels, campaigns from event_feed
      where application_id = ${applicationId}`.execute(this.database.kysely);
    return rows[0] ?? NOTHING;
  }

  async want(applicationId: string, { eventTypes, labels, campaigns }: Wanted): Promise<void> {
    await sql`
      insert into event_feed (application_id, event_types, labels, campaigns)
      select ${applicationId}, ${eventTypes}::text[], ${labels}::text[], ${campaigns}::text[]
      on conflict (application_id) do update
        set event_types = excluded.event_types, labels = excluded.labels, campaigns = excluded.campaigns`.execute(
      this.database.kysely,
    );
  }

  /** Writes `credential.expiring`, once a day for each credential. */
  async noteEnding(): Promise<void> {
    await inTransaction(this.database, async (transaction) => {
      // Of two schedulers, the second sees the events of the first.
      await sql`select from event_head for no key update`.execute(transaction);
      await sql`select note_ending(${ENDS_SOON_DAYS})`.execute(transaction);
    });
  }

  countOld(before: Date): Promise<Due> {
    return countDue(this.database, sql`event where created_at < ${before} and position is not null`, sql`event`);
  }

  /** One step, from the oldest position on; false if nothing was left. */
  async removeOld(before: Date): Promise<boolean> {
    const { rows } = await sql`
      with old as (
        select position from (select position, created_at from event where position is not null
          order by position limit ${STEP}) as first where created_at < ${before}),
      gone as (delete from event using old where event.position = old.position returning event.position)
      update event_head set removed = greatest(removed, (select max(position) from gone))
      where exists (select from gone) returning 1`.execute(this.database.kysely);
    return rows.length > 0;
  }
}

function isOne(types: readonly string[] | null): RawBuilder<boolean> {
  return types === null ? sql`true` : sql`type = any(${types}::text[])`;
}
