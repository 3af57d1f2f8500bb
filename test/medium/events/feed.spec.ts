import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApplicationsService } from '../../../src/applications/applications.service.js';
import { Clock } from '../../../src/common/clock.js';
import { inTransaction } from '../../../src/database/transaction.js';
import { EventRepository } from '../../../src/events/event.repository.js';
import type { EventName } from '../../../src/events/event-types.js';
import { EventSequencer } from '../../../src/events/event-sequencer.js';
import { EventWatch } from '../../../src/events/event-watch.js';
import { FeedService } from '../../../src/events/feed.service.js';
import { Room } from '../delivery/room.js';

describe('the feed', () => {
  let room: Room;
  let events: EventRepository;
  let watch: EventWatch;
  let feed: FeedService;
  const never = new AbortController().signal;
  const known = { getApplication: () => Promise.resolve() } as unknown as ApplicationsService;

  beforeAll(async () => {
    room = await Room.open();
    events = new EventRepository(room.database);
    watch = new EventWatch(events);
    feed = new FeedService(known, events, watch, new Clock());
  });
  afterAll(async () => {
    await watch.beforeApplicationShutdown();
    await room.remove();
  });

  const addApplication = async (): Promise<string> => {
    const applicationId = await room.addApplication();
    await events.want(applicationId, {
      eventTypes: ['device.registered', 'device.retired'],
      labels: null,
      campaigns: null,
    });
    return applicationId;
  };
  const register = (applicationId: string, deviceId: string, db = room.database.kysely) =>
    sql`insert into device (application_id, device_id, platform, provider, token, token_hash, registered_at, updated_at)
      values (${applicationId}, ${deviceId}, 'A', 'sandbox', ${deviceId}, sha256(${deviceId}::bytea), now(), now())`.execute(
      db,
    );
  const placeAll = async (): Promise<void> => {
    while ((await events.place()) > 0);
  };
  const read = async (applicationId: string, after?: string, types: EventName[] | null = null, waitMs = 0) => {
    const page = await feed.read({ applicationId, after, types }, 100, waitMs, never);
    const ids = page.events.map(({ body }) => (JSON.parse(body) as { data: { deviceId: string } }).data.deviceId);
    return { ids, cursor: page.cursor };
  };

  it('has a late commit after an early one, and no transaction of others holds it up', async () => {
    const applicationId = await addApplication();
    const foreign = inTransaction(room.database, async (other) => {
      await sql`select pg_current_xact_id()`.execute(other);
      const { cursor } = await inTransaction(room.database, async (late) => {
        await register(applicationId, 'late', late);
        await register(applicationId, 'early');
        await placeAll();
        const seen = await read(applicationId);
        expect(seen.ids).toEqual(['early']);
        return seen;
      });
      await placeAll();
      expect((await read(applicationId, cursor)).ids).toEqual(['late']);
    });
    await foreign;
  });

  it('gives each position once, with several processes that give them', async () => {
    const applicationId = await addApplication();
    let underWay = true;
    const placing = Array.from({ length: 4 }, async () => {
      while (underWay) await events.place();
    });
    await Promise.all(Array.from({ length: 200 }, (_, n) => register(applicationId, `p${n}`)));
    underWay = false;
    await Promise.all(placing);
    await placeAll();
    const { rows } = await sql<{ events: number; positions: number }>`
      select count(*)::int as events, count(distinct position)::int as positions from event
      where application_id = ${applicationId}`.execute(room.database.kysely);
    expect(rows).toEqual([{ events: 200, positions: 200 }]);
    const ids: string[] = [];
    for (let page = await read(applicationId); page.ids.length > 0; page = await read(applicationId, page.cursor))
      ids.push(...page.ids);
    expect(new Set(ids).size).toBe(200);
    expect(ids).toHaveLength(200);
  });

  it('an event around the begin of a wait ends the wait soon', async () => {
    const applicationId = await addApplication();
    const sequencer = new EventSequencer(events);
    sequencer.onApplicationBootstrap();
    let { cursor } = await read(applicationId, 'latest');
    for (let turn = 0; turn < 40; turn++) {
      const started = performance.now();
      const lead = (turn % 8) - 2;
      const writing = delay(Math.max(0, lead)).then(() => register(applicationId, `w${turn}`));
      if (lead < 0) await writing;
      const page = await read(applicationId, cursor, null, 30_000);
      expect(page.ids).toEqual([`w${turn}`]);
      expect(performance.now() - started).toBeLessThan(2_000);
      ({ cursor } = page);
      await writing;
    }
    await sequencer.beforeApplicationShutdown();
  }, 60_000);

  it('a filter moves the cursor past the events that it leaves out', async () => {
    const applicationId = await addApplication();
    const { cursor } = await read(applicationId);
    await room.addDevices(applicationId, 20_000);
    await sql`delete from device where application_id = ${applicationId} and device_id = 'd7'`.execute(
      room.database.kysely,
    );
    await placeAll();
    const found = await read(applicationId, cursor, ['device.retired']);
    expect(found.ids).toEqual(['d7']);
    expect(await read(applicationId, found.cursor)).toEqual({ ids: [], cursor: found.cursor });
    const { rows } = await sql<{ 'QUERY PLAN': string }>`
      explain (analyze, format text) select position from event where application_id = ${applicationId}
        and position > (select position from event_head) order by position limit 100`.execute(room.database.kysely);
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('event_order');
  });

  it('refuses a cursor before events that were removed, and takes one behind them', async () => {
    const applicationId = await addApplication();
    await register(applicationId, 'old');
    await placeAll();
    const old = await read(applicationId);
    await register(applicationId, 'older than the setting');
    await placeAll();
    const newer = await read(applicationId, old.cursor);
    await sql`update event set created_at = now() - interval '8 days'`.execute(room.database.kysely);
    while (await events.removeOld(new Date(Date.now() - 7 * 86_400_000)));
    await expect(read(applicationId, old.cursor)).rejects.toMatchObject({ code: 'CARIL0410E' });
    expect((await read(applicationId, newer.cursor)).ids).toEqual([]);
    await register(applicationId, 'next');
    await placeAll();
    expect((await read(applicationId, newer.cursor)).ids).toEqual(['next']);
    expect((await read(applicationId)).ids).toEqual(['next']);
  });

  it('refuses a cursor of the database from which a copy was restored', async () => {
    const applicationId = await addApplication();
    await register(applicationId, 'before');
    await placeAll();
    const { rows: backup } = await sql<{ position: number }>`select position from event_head`.execute(
      room.database.kysely,
    );
    await register(applicationId, 'lost');
    await placeAll();
    const { cursor } = await read(applicationId);
    // As after the restore: the last event never happened, and its position is given again.
    await sql`delete from event where position > ${backup[0]!.position}`.execute(room.database.kysely);
    await sql`update event_head set position = ${backup[0]!.position}`.execute(room.database.kysely);
    await expect(read(applicationId, cursor)).rejects.toMatchObject({ code: 'CARIL0410E' });
    await register(applicationId, 'another');
    await placeAll();
    await expect(read(applicationId, cursor)).rejects.toMatchObject({ code: 'CARIL0410E' });
  });

  it('waiting readers hold no connection, and end when the process stops', async () => {
    const applicationId = await addApplication();
    const own = new EventWatch(events);
    const service = new FeedService(known, events, own, new Clock());
    const { cursor } = await read(applicationId);
    const waiting = Array.from({ length: 500 }, () =>
      service.read({ applicationId, after: cursor, types: null }, 100, 30_000, new AbortController().signal),
    );
    await delay(0);
    const started = performance.now();
    await register(applicationId, 'meanwhile');
    expect(performance.now() - started).toBeLessThan(5_000);
    await own.beforeApplicationShutdown();
    for (const { events: none } of await Promise.all(waiting)) expect(none).toEqual([]);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
