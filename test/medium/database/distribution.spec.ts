import { expect, it } from 'vitest';
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
  message: BY_SEQ,
  subscription: BY_SEQ,
  tally: 'its key is a number, because rows of the same count are added up later',
  campaign_message: BY_PARENT,
  campaign_run: BY_PARENT,
  campaign_wave: BY_PARENT,
  message_data: BY_PARENT,
  message_rate: BY_PARENT,
  webhook_event: BY_PARENT,
  webhook: SMALL,
};

/** Tables of the whole installation. */
const OF_ALL = [
  'audit_event',
  'auth_change',
  'client',
  'client_secret',
  'housekeeping',
  'kysely_migration',
  'kysely_migration_lock',
  'revoked_token',
  'shared_token',
  'signing_key',
  'token_pass',
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
