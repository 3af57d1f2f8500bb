import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { DeviceSearchRepository } from '../../../src/devices/device-search.repository.js';
import type { DeviceSearch } from '../../../src/devices/device-search.js';
import { openPlace } from '../database/places.js';
import { addApplication } from './stock.js';

const DEVICES = 60_000;

let database: Database;
let remove: () => Promise<void>;
let id: string;
beforeAll(async () => {
  ({ database, remove } = await openPlace());
  id = await addApplication(database);
  await sql`
    insert into device (application_id, device_id, platform, provider, token, token_hash, user_id, language, attributes,
      retired_reason, retired_at, registered_at, updated_at)
    select ${id}, 'd' || n, case when n % 2 = 0 then 'A' else 'G' end, 'sandbox', 'sandbox:' || lpad(n::text, 8, '0'),
      sha256(('t' || n)::bytea), 'u' || n, case when n % 1000 = 0 then 'fr' else 'de' end,
      case when n % 1000 = 1 then '{"tier": "gold"}'::jsonb else '{"tier": "none"}' end,
      case when n % 1000 = 2 then 'Unregistered' end, case when n % 1000 = 2 then now() end, now(), now()
    from generate_series(1, ${sql.lit(DEVICES)}) as n`.execute(database.kysely);
  await sql`analyze device`.execute(database.kysely);
}, 120_000);
afterAll(() => remove());

/** Rows and index entries read so far, when the sessions have reported them: a later statement of theirs does. */
async function settled(): Promise<number> {
  let last = -1;
  await vi.waitFor(
    async () => {
      const before = last;
      const { rows } = await sql<{ read: number }>`
        select ((select seq_tup_read from pg_stat_user_tables where relname = 'device')
          + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'device'))::bigint as read`.execute(
        database.kysely,
      );
      last = rows[0]?.read ?? 0;
      expect(last).toBe(before);
    },
    { timeout: 20_000, interval: 1_200 },
  );
  return last;
}

it('no plan of a search reads the whole table', { timeout: 60_000 }, async () => {
  const search = new DeviceSearchRepository(database);
  const find = (wanted: DeviceSearch) => search.search(id, { filter: [], search: wanted }, { offset: 0, size: 20 });
  const rare: [DeviceSearch, number][] = [
    [{ idPrefix: 'd5999' }, 11],
    [{ userPrefix: 'u5999' }, 11],
    [{ tokenEnd: '00059999' }, 1],
    [{ language: 'fr' }, 20],
    [{ attribute: { name: 'tier', value: 'gold' } }, 20],
    [{ state: 'retired' }, 20],
    [{ tokenEnd: 'nothing!' }, 0],
    [{ attribute: { name: 'tier', value: 'nothing' } }, 0],
    [{ language: 'fr', attribute: { name: 'tier', value: 'gold' } }, 0],
    [{ state: 'retired', language: 'fr' }, 0],
  ];
  const before = await settled();
  for (const [wanted, rows] of rare) expect((await find(wanted)).rows, JSON.stringify(wanted)).toHaveLength(rows);
  expect((await settled()) - before).toBeLessThan(DEVICES / 10);
});

it('a search that every device fits alone looks at 20,000 devices, and its links lead on', async () => {
  const search = new DeviceSearchRepository(database);
  const wanted = {
    filter: [],
    search: { language: 'de', platform: 'A', tokenEnd: undefined, state: 'active' as const },
  };
  const found: string[] = [];
  let page = await search.search(id, wanted, { offset: 0, size: 1_000 });
  for (let pages = 1; ; pages++) {
    found.push(...page.rows.map(({ deviceId }) => deviceId));
    if (!page.next) break;
    expect(pages).toBeLessThan(100);
    page = await search.search(id, wanted, { offset: 1, size: 1_000, cursor: page.next });
  }
  // Even numbers without those of French and of the retired.
  expect(new Set(found).size).toBe(DEVICES / 2 - DEVICES / 1_000 - DEVICES / 1_000);
  expect(found).toHaveLength(new Set(found).size);
});
