import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditRepository } from '../../../src/auth/audit.repository.js';
import type { Database } from '../../../src/database/database.js';
import { PLACES, openPlace } from '../database/places.js';

const EVENTS = 20_000;

describe.each(PLACES)('a search in the audit, on %s', (place) => {
  let database: Database;
  let remove: () => Promise<void>;

  beforeAll(async () => {
    ({ database, remove } = await openPlace(place));
    await sql`insert into audit_event (client_id, action, subject, address, detail)
      select 'client-' || n % 100, 'tag.create', 'com.example.app', '192.0.2.1', '{}'
      from generate_series(1, ${EVENTS}::int) as n`.execute(database.kysely);
    await sql`analyze audit_event`.execute(database.kysely);
  });
  afterAll(() => remove());

  it.each([{ clientId: 'nobody' }, { action: 'tag.none' }, { subject: 'nothing' }, { outcome: 'refused' }] as const)(
    'for %j finds nothing without a look at each event',
    async (filter) => {
      const [, value = ''] = Object.entries(filter)[0] ?? [];
      const column = { clientId: 'client_id', action: 'action', subject: 'subject', outcome: 'outcome' };
      const name = sql.ref(column[Object.keys(filter)[0] as keyof typeof column]);
      const { rows } = await sql<{ 'QUERY PLAN': string }>`explain (analyze, timing off)
        select * from audit_event where ${name} = ${value} order by id desc limit 50`.execute(database.kysely);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).not.toContain('Rows Removed by Filter');
      expect(await new AuditRepository(database).list(50, undefined, filter)).toEqual([]);
    },
  );
});
