import { expect, it } from 'vitest';
import { readSqlTexts } from '../../harness/sql-texts.js';
import { openPlace } from './places.js';

/**
 * A PostgreSQL that distributes tables by application_id needs it in each primary key (docs/scaling.md). A table is in
 * one of these lists, with the reason if its key does not begin with application_id.
 */

const BY_SEQ = 'jobs and other tables name a row by its number alone; a wider key makes each of their indexes larger';
const BY_PARENT = 'it has no application_id: the number of its parent tells the application';
const SMALL = 'a few rows for each application, so that it can be copied to each server';

const EXCEPTIONS: Readonly<Record<string, string>> = {
  application: 'its id is the application_id',
  batch: BY_SEQ,
  campaign: BY_SEQ,
  device: BY_SEQ,
  event: 'its key is the order of the insert; its place in the feed is over all applications',
  message: BY_SEQ,
  subscription: BY_SEQ,
  statistic_change: 'its key is a number, because rows of the same minute are added up later',
  tally: 'its key is a number, because rows of the same count are added up later',
  campaign_message: BY_PARENT,
  campaign_run: BY_PARENT,
  campaign_wave: BY_PARENT,
  message_data: BY_PARENT,
  message_rate: BY_PARENT,
  receipt: BY_PARENT,
  receipt_count: BY_PARENT,
  webhook_event: BY_PARENT,
  webhook_event_ended: BY_PARENT,
  webhook: SMALL,
};

/** Tables of the whole installation. */
const OF_ALL = [
  'audit_chain',
  'audit_event',
  'audit_outbox',
  'auth_change',
  'client',
  'client_secret',
  'console_session',
  'console_ticket',
  'demanded_step',
  'event_head',
  'housekeeping',
  'installation',
  'kysely_migration',
  'kysely_migration_lock',
  'metric_figures',
  'process',
  'revoked_token',
  'shared_token',
  'signing_key',
  'token_pass',
  'used_assertion',
  'used_device_token',
  'write_probe',
  'zone_rules',
];

it('each primary key begins with application_id, or the table is an exception with a reason', async () => {
  const { database, remove } = await openPlace('embedded');
  try {
    const { rows } = await database.pool.query<{ name: string; first: string | null }>(
      `select c.relname as name, a.attname as first from pg_class c
       left join pg_index i on i.indrelid = c.oid and i.indisprimary
       left join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
       where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`,
      [database.schema],
    );
    const others = rows.filter(({ first }) => first !== 'application_id').map(({ name }) => name);
    expect(others.toSorted()).toEqual([...Object.keys(EXCEPTIONS), ...OF_ALL].toSorted());
    expect(rows.length).toBeGreaterThan(others.length);
  } finally {
    await remove();
  }
});

const FOR_ALL = 'a round over all applications, or the rows of a lot that belong to several applications';
const BY_NUMBER = 'rows by their numbers, which were found with application_id before';

/** Most statements of each room that read a table with application_id without it, and the reason. */
const WITHOUT: Readonly<Record<string, { most: number; why: string }>> = {
  applications: { most: 2, why: FOR_ALL },
  campaigns: { most: 14, why: `${BY_NUMBER}; ${FOR_ALL}` },
  database: { most: 2, why: BY_NUMBER },
  delivery: { most: 24, why: `${BY_NUMBER}; ${FOR_ALL}` },
  devices: { most: 16, why: `${BY_NUMBER}; ${FOR_ALL}` },
  events: { most: 2, why: FOR_ALL },
  health: { most: 1, why: FOR_ALL },
  messages: { most: 8, why: BY_NUMBER },
  users: { most: 10, why: BY_NUMBER },
  webhooks: { most: 6, why: `${FOR_ALL}; ${BY_NUMBER}` },
};

it('each statement on a table with application_id names it, except a counted few in each room', async () => {
  const { database, remove } = await openPlace('embedded');
  try {
    const { rows } = await database.pool.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
       where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and a.attname = 'application_id'`,
      [database.schema],
    );
    const names = rows.map(({ name }) => name).join('|');
    const reads = new RegExp(`\\b(from|join|update|into)\\s+(${names})\\b|(From|Table|Into)\\('(${names})\\b`);
    const texts = readSqlTexts().filter(({ text }) => reads.test(text));
    expect(texts.length).toBeGreaterThan(100);
    const found: Record<string, number> = {};
    for (const { room, text } of texts) if (!/application_?id/i.test(text)) found[room] = (found[room] ?? 0) + 1;
    const allowed = Object.fromEntries(Object.entries(WITHOUT).map(([room, { most }]) => [room, most]));
    const over = Object.entries(found).filter(([room, count]) => count > (allowed[room] ?? 0));
    expect(over).toEqual([]);
  } finally {
    await remove();
  }
});
