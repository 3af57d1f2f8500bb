import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFilter } from '../../../src/common/filter.js';
import { readPage } from '../../../src/common/paging.js';
import type { Page, PageRequest } from '../../../src/common/paging.js';
import type { Database } from '../../../src/database/database.js';
import { DEVICE_FILTERS, DeviceRepository } from '../../../src/devices/device.repository.js';
import { SUBSCRIPTION_FILTERS, SubscriptionRepository } from '../../../src/devices/subscription.repository.js';
import { TAG_FILTERS, TagRepository } from '../../../src/devices/tag.repository.js';
import { openPlace } from '../database/places.js';
import { addApplication, addDevices, tallies } from './stock.js';

const FIRST = readPage({});
const NOW = new Date('2026-11-25T10:00:00Z');

type Read<Row> = (page: PageRequest) => Promise<Page<Row>>;

/** All pages by their links, forward and back; both ways must show the same. */
async function walk<Row>(read: Read<Row>, size: number): Promise<{ pages: Row[][]; totals: Set<number> }> {
  const pages: Row[][] = [];
  const totals = new Set<number>();
  let page = await read({ offset: 0, size });
  for (let offset = size; ; offset += size) {
    pages.push(page.rows);
    expect(pages.length, 'the links lead nowhere').toBeLessThan(100);
    totals.add(page.total);
    if (!page.next) break;
    page = await read({ offset, size, cursor: page.next });
  }
  const back: Row[][] = [page.rows];
  for (let { previous } = page; previous; { previous } = page) {
    page = await read({ offset: 1, size, cursor: previous });
    back.unshift(page.rows);
    expect(back.length, 'the links lead nowhere').toBeLessThan(100);
  }
  expect(back.flat()).toEqual(pages.flat());
  return { pages, totals };
}

describe('lists', () => {
  let database: Database;
  let remove: () => Promise<void>;
  let id: string;
  let devices: DeviceRepository;
  let subscriptions: SubscriptionRepository;
  let tags: TagRepository;

  const filterOf = (text: string | string[] | undefined, names: Parameters<typeof readFilter>[1]) =>
    readFilter({ filter: text }, names);

  beforeAll(async () => {
    ({ database, remove } = await openPlace());
    devices = new DeviceRepository(database);
    subscriptions = new SubscriptionRepository(database);
    tags = new TagRepository(database);
    // A second application whose rows must never show.
    for (const applicationId of [await addApplication(database), (id = await addApplication(database))]) {
      await addDevices(database, applicationId, 47);
      for (const name of ['news', 'offers', 'a,b', 'c\\d', 'Zoo'])
        await tags.add(applicationId, name, `of ${name}`, NOW);
      await sql`insert into subscription (application_id, tag_name, device_seq)
        select ${applicationId}, tag, seq from device, (values ('news', 2), ('offers', 5), ('a,b', 46)) as t (tag, every)
        where application_id = ${applicationId} and substr(device_id, 2)::int % every = 0`.execute(database.kysely);
    }
    await sql`update device set broadcast = false where device_id in ('d3', 'd4')`.execute(database.kysely);
  });
  afterAll(async () => remove());

  // Devices of one statement are in the order of their ids.
  it.each([1, 7, 46, 47, 48])('devices by pages of %i, forward and back', async (size) => {
    const read: Read<{ deviceId: string }> = (page) => devices.list(id, { filter: [] }, page);
    const { pages, totals } = await walk(read, size);
    expect(pages.flat().map((device) => device.deviceId)).toEqual(
      Array.from({ length: 47 }, (_each, n) => `d${n + 1}`).toSorted(),
    );
    expect(pages.slice(0, -1).every((page) => page.length === size)).toBe(true);
    expect([...totals]).toEqual([47]);
    // An offset shows the same page as the links.
    for (const [index, page] of pages.entries())
      expect((await read({ offset: index * size, size })).rows).toEqual(page);
  });

  it.each([
    ['platform==G', 15],
    ['platform==A,platform==G', 47],
    [['platform==A', 'platform==G'], 0],
    ['platform==M', 0],
    ['platform==nothing', 0],
  ])('devices with %j', async (filter, total) => {
    const found = await devices.list(id, { filter: filterOf(filter, DEVICE_FILTERS) }, FIRST);
    expect([found.rows.length, found.total]).toEqual([total, total]);
  });

  it('devices of a user, and of no user', async () => {
    const found = await devices.list(id, { userId: 'u2', filter: filterOf('platform==G', DEVICE_FILTERS) }, FIRST);
    expect(found.rows.map((device) => device.deviceId)).toEqual(['d3', 'd33']);
    expect(found.total).toBe(2);
    expect((await devices.list(id, { userId: null, filter: [] }, FIRST)).total).toBe(0);
  });

  it.each([1, 3, 10, 200])('subscriptions by pages of %i: those to Push.ALL come last', async (size) => {
    const read: Read<{ tagName: string; subscriptionId: string }> = (page) =>
      subscriptions.list(id, { filter: [] }, page);
    const { pages, totals } = await walk(read, size);
    const names = pages.flat().map((each) => each.tagName);
    expect([...totals]).toEqual([1 + 23 + 9 + 45]);
    expect(names).toHaveLength(78);
    expect(names.slice(33).every((name) => name === 'Push.ALL')).toBe(true);
    expect(new Set(pages.flat().map((each) => each.subscriptionId)).size).toBe(78);
    for (const [index, page] of pages.entries())
      expect((await read({ offset: index * size, size })).rows).toEqual(page);
  });

  it.each([
    ['a tag', { tagName: 'offers' }, undefined, 9],
    ['Push.ALL', { tagName: 'Push.ALL' }, undefined, 45],
    ['a device', { deviceId: 'd46' }, undefined, 3],
    ['a device that left Push.ALL', { deviceId: 'd4' }, undefined, 1],
    ['a user', { userId: 'u9' }, undefined, 4 + 4 + 4],
    ['a device and tag', { deviceId: 'd10', tagName: 'news' }, undefined, 1],
    ['an unknown device', { deviceId: 'nobody' }, undefined, 0],
    ['tagName==', {}, 'tagName==a\\,b', 1],
    ['tagName=@', {}, 'tagName=@e', 23 + 9],
    ['tagName=@ of Push.ALL', {}, 'tagName=@Push', 45],
    ['deviceId=@', {}, 'deviceId=@46', 3],
    ['or', {}, 'tagName==offers,deviceId==d46', 9 + 3],
    ['and', {}, ['tagName==news', 'deviceId=@d1'], 5],
  ])('subscriptions of %s', async (_name, query, filter, total) => {
    const found = await subscriptions.list(id, { ...query, filter: filterOf(filter, SUBSCRIPTION_FILTERS) }, FIRST);
    expect([found.rows.length, found.total]).toEqual([total, total]);
  });

  it.each([{ tagName: 'news' }, { filter: 'tagName==news' }, { tagName: 'Push.ALL' }, { filter: 'tagName=@e' }])(
    'subscriptions of %j by pages, forward and back',
    async ({ tagName, filter }) => {
      const query = { tagName, filter: filterOf(filter, SUBSCRIPTION_FILTERS) };
      const { pages, totals } = await walk((page) => subscriptions.list(id, query, page), 4);
      const all = await subscriptions.list(id, query, FIRST);
      expect(pages.flat()).toEqual(all.rows);
      expect([...totals]).toEqual([all.total]);
      expect(new Set(all.rows.map((each) => each.subscriptionId)).size).toBe(all.total);
    },
  );

  it('each subscription is found and deleted by its id, once, and only in its application', async () => {
    const application = await addApplication(database);
    await addDevices(database, application, 1);
    await tags.add(application, 'news', '', NOW);
    const { seq } = (await devices.findOwner(application, 'd1'))!;
    await subscriptions.add(application, seq, ['news']);
    const found = await subscriptions.list(application, { filter: [] }, FIRST);
    expect(found.rows).toHaveLength(2);
    for (const { subscriptionId, tagName } of found.rows) {
      expect(await subscriptions.find(application, subscriptionId)).toMatchObject({
        tagName,
        deviceId: 'd1',
        userId: 'u0',
      });
      expect(await subscriptions.find(id, subscriptionId)).toBeUndefined();
      expect(await subscriptions.removeById(id, subscriptionId)).toBe(false);
      expect(await subscriptions.removeById(application, subscriptionId)).toBe(true);
      expect(await subscriptions.removeById(application, subscriptionId)).toBe(false);
    }
    expect((await subscriptions.list(application, { filter: [] }, FIRST)).total).toBe(0);
    for (const odd of ['', 'x', '1x', '-1', '9'.repeat(40), 'Push.ALL', 'Push.ALL-', "1' or 1=1"])
      expect(await subscriptions.find(application, odd)).toBeUndefined();
  });

  it.each([1, 2, 5, 9])('tags by pages of %i', async (size) => {
    const { pages } = await walk((page) => tags.list(id, [], page, true), size);
    expect(
      pages
        .flat()
        .map((tag) => `${tag.name} ${tag.subscriptions}`)
        .toSorted(),
    ).toEqual(['Zoo 0', 'a,b 1', 'c\\d 0', 'news 23', 'offers 9'].toSorted());
  });

  it.each([
    ['name==news', ['news']],
    ['name=@o', ['Zoo', 'offers']],
    ['name==c\\\\d', ['c\\d']],
    ['description==of a\\,b', ['a,b']],
    ['name=@%', []],
    [['name=@o', 'description=@Z'], ['Zoo']],
  ])('tags with %j', async (filter, names) => {
    const found = await tags.list(id, filterOf(filter, TAG_FILTERS), FIRST, false);
    expect(found.rows.map((tag) => tag.name).toSorted()).toEqual([...names].toSorted());
    expect(found.total).toBe(names.length);
  });

  it('refuses a cursor of another list', async () => {
    const { next } = await tags.list(id, [], { offset: 0, size: 1 }, false);
    await expect(devices.list(id, { filter: [] }, { offset: 0, size: 1, cursor: next })).rejects.toMatchObject({
      code: 'FPWSE0005E',
    });
    const far = { side: 'after', key: [7, 'a', 1], total: 1 } as const;
    await expect(subscriptions.list(id, { filter: [] }, { offset: 0, size: 1, cursor: far })).rejects.toMatchObject({
      code: 'FPWSE0005E',
    });
  });

  it('counts stay right when tags, devices and an application are removed and rows are joined', async () => {
    await Promise.all(
      Array.from({ length: 300 }, async (_each, n) => {
        await sql`update device set broadcast = not broadcast, platform = case when platform = 'A' then 'W' else platform end
          where application_id = ${id} and device_id = ${`d${(n % 47) + 1}`}`.execute(database.kysely);
      }),
    );
    await tags.remove(id, 'news');
    await devices.remove(id, 'd46');
    const { tally, counted } = await tallies(database);
    expect(tally).toEqual(counted);
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from tally`.execute(database.kysely);
    // 600 changes were added; every hundredth joins them.
    expect(rows[0]?.n).toBeLessThan(900);
    await sql`delete from application where id = ${id}`.execute(database.kysely);
    const after = await tallies(database);
    expect(after.tally).toEqual(after.counted);
  });
});
