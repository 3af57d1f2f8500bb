import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import type { DeviceAttributes } from '../../../src/database/tables.js';
import { DeviceRegistrationRepository } from '../../../src/devices/device-registration.repository.js';
import { DeviceSearchRepository } from '../../../src/devices/device-search.repository.js';
import type { DeviceQuery } from '../../../src/devices/device.repository.js';
import { PLACES, openPlace } from '../database/places.js';
import { addApplication, registration } from './stock.js';

const NOW = new Date('2026-11-29T10:00:00Z');
const SIZE = 3;

describe.each(PLACES)('a search for devices on %s', (place) => {
  let database: Database;
  let remove: () => Promise<void>;
  let id: string;
  let search: DeviceSearchRepository;

  beforeAll(async () => {
    ({ database, remove } = await openPlace(place));
    search = new DeviceSearchRepository(database);
    const registrations = new DeviceRegistrationRepository(database);
    const attributes: DeviceAttributes[] = [{ tier: 'gold', age: 42 }, { tier: 'silver', vip: true }, {}];
    const of = (n: number) => ({
      userId: ['Änne', 'anna', 'ann%', 'ben', null][n % 5] ?? null,
      language: ['de', 'de-CH', 'den', 'fr', null][n % 5] ?? null,
      attributes: attributes[n % 3]!,
      ...(n % 2 ? ({ platform: 'G', provider: 'fcm' } as const) : {}),
    });
    // A second application whose devices must never show.
    for (const applicationId of [await addApplication(database), (id = await addApplication(database))]) {
      const devices = Array.from({ length: 30 }, (_each, n) =>
        registration(`${n < 20 ? 'phone' : 'Tab_'}-${String(n).padStart(2, '0')}`, of(n)),
      );
      await registrations.putMany(applicationId, devices, NOW);
      await sql`update device set retired_reason = 'Unregistered', retired_at = ${NOW}
        where application_id = ${applicationId} and device_id in ('phone-03', 'Tab_-21')`.execute(database.kysely);
    }
  });
  afterAll(() => remove());

  /** The ids by the links of all pages, forward; the way back must show the same. */
  async function walk(query: Omit<DeviceQuery, 'filter'>): Promise<{ ids: string[]; totals: Set<number> }> {
    const read = (page: Parameters<DeviceSearchRepository['search']>[2]) =>
      search.search(id, { filter: [], ...query }, page);
    const totals = new Set<number>();
    let page = await read({ offset: 0, size: SIZE });
    const pages = [page];
    while (page.next) pages.push((page = await read({ offset: 9, size: SIZE, cursor: page.next })));
    for (const each of pages) totals.add(each.total);
    const back = [page];
    while (page.previous) {
      page = await read({ offset: 1, size: SIZE, cursor: page.previous });
      if (page.rows.length > 0) back.unshift(page);
      expect(back.length).toBeLessThan(100);
    }
    const idsOf = (each: typeof pages): string[] => each.flatMap(({ rows }) => rows.map(({ deviceId }) => deviceId));
    expect(idsOf(back)).toEqual(idsOf(pages));
    return { ids: idsOf(pages), totals };
  }

  const numbers = (from: number, to: number, step = 1): number[] =>
    Array.from({ length: Math.floor((to - from) / step) + 1 }, (_each, index) => from + index * step);
  const named = (...list: number[]): string[] =>
    list.map((n) => `${n < 20 ? 'phone' : 'Tab_'}-${String(n).padStart(2, '0')}`);

  it.each<[string, Omit<DeviceQuery, 'filter'>, string[]]>([
    ['an id prefix', { search: { idPrefix: 'Tab_' } }, named(...numbers(20, 29))],
    ['a whole id', { search: { idPrefix: 'phone-07' } }, ['phone-07']],
    ['a prefix in another case', { search: { idPrefix: 'PHONE' } }, []],
    ['a wildcard, which is none', { search: { idPrefix: 'phon_' } }, []],
    ['a user prefix', { search: { userPrefix: 'ann' } }, named(...numbers(1, 29, 5), ...numbers(2, 29, 5))],
    ['a user prefix with a percent sign', { search: { userPrefix: 'ann%' } }, named(...numbers(2, 29, 5))],
    ['a user prefix beyond ASCII', { search: { userPrefix: 'Ä' } }, named(...numbers(0, 29, 5))],
    ['the end of a token', { search: { tokenEnd: 'phone-11' } }, ['phone-11']],
    ['more of a token', { search: { tokenEnd: 'of phone-11' } }, ['phone-11']],
    ['a token that ends alike', { search: { tokenEnd: 'xx phone-11' } }, []],
    ['a language with its regions', { search: { language: 'de' } }, named(...numbers(0, 29, 5), ...numbers(1, 29, 5))],
    ['a language of a region', { search: { language: 'de-CH' } }, named(...numbers(1, 29, 5))],
    ['an attribute', { search: { attribute: { name: 'tier', value: 'gold' } } }, named(...numbers(0, 29, 3))],
    ['a number', { search: { attribute: { name: 'age', value: '42' } } }, named(...numbers(0, 29, 3))],
    ['a boolean', { search: { attribute: { name: 'vip', value: 'true' } } }, named(...numbers(1, 29, 3))],
    ['a value of another attribute', { search: { attribute: { name: 'age', value: 'gold' } } }, []],
    ['retired', { search: { state: 'retired' } }, named(3, 21)],
    ['active, with another term', { search: { state: 'active', idPrefix: 'Tab_-2' } }, named(20, ...numbers(22, 29))],
    ['a platform', { search: { platform: 'G' } }, named(...numbers(1, 29, 2))],
    ['a user and a state', { userId: 'ben', search: { state: 'retired' } }, ['phone-03']],
    ['no user', { userId: null, search: { platform: 'A' } }, named(...numbers(4, 29, 10))],
    [
      'everything',
      {
        search: {
          state: 'active',
          idPrefix: 'phone',
          userPrefix: 'ann',
          tokenEnd: 'phone-01',
          language: 'de',
          attribute: { name: 'tier', value: 'silver' },
          platform: 'G',
        },
      },
      ['phone-01'],
    ],
  ])('%s', async (_what, query, expected) => {
    const { ids, totals } = await walk(query);
    expect(ids.toSorted()).toEqual(expected.toSorted());
    expect([...totals]).toEqual([expected.length]);
  });

  it('orders a prefix by id, and answers state, reason and times', async () => {
    const { rows } = await search.search(id, { filter: [], search: { idPrefix: 'Tab_-2' } }, { offset: 1, size: 1 });
    expect(rows).toMatchObject([{ deviceId: 'Tab_-21', retired: { reason: 'Unregistered', at: NOW }, seenAt: NOW }]);
  });

  it('refuses a cursor of another search', async () => {
    const { next } = await search.search(id, { filter: [], search: { idPrefix: 'p' } }, { offset: 0, size: 1 });
    const other = search.search(id, { filter: [], search: { platform: 'A' } }, { offset: 0, size: 1, cursor: next });
    await expect(other).rejects.toMatchObject({ code: 'FPWSE0005E' });
  });
});
