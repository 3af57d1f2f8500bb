import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { readTarget } from '../../../src/messages/request/target.js';
import { AudienceRepository } from '../../../src/devices/audience.repository.js';
import { CampaignRoom } from './room.js';
import { HOUR } from './scheduling.js';

const NINE = Date.UTC(2026, 10, 30, 9);
const SCHEDULE = { schedule: { cron: '0 9 * * *' } };

describe('recipients and contents', () => {
  let room: CampaignRoom;
  let audience: AudienceRepository;
  beforeAll(async () => {
    room = await CampaignRoom.open();
    audience = new AudienceRepository(room.database);
  }, 120_000);
  afterAll(() => room.remove());
  afterEach(() => room.retireAll());

  describe('conditions on devices', () => {
    let applicationId: string;
    beforeAll(async () => {
      applicationId = await room.addApplication();
      await room.addDevices(applicationId, [
        {
          deviceId: 'a',
          language: 'de',
          appVersion: '2.9',
          timeZone: 'Europe/Berlin',
          attributes: { plan: 'gold', age: 17 },
        },
        { deviceId: 'b', language: 'de-AT', appVersion: '2.10', attributes: { plan: 'free', age: 18, vip: true } },
        { deviceId: 'c', language: 'pt_BR', appVersion: '2.10.1', attributes: { age: '18' } },
        { deviceId: 'd', language: 'den', appVersion: '3.0-beta', platform: 'G' },
        { deviceId: 'e', appVersion: 'unknown', attributes: { plan: null } },
      ]);
    });
    it.each([
      [{ languages: ['de'] }, 'ab'],
      [{ languages: ['de-AT', 'pt-br'] }, 'bc'],
      [{ timeZones: ['Europe/Berlin'] }, 'a'],
      [{ appVersion: { min: '2.10' } }, 'bcd'],
      [{ appVersion: { min: '2.10', max: '2.10' } }, 'b'],
      [{ appVersion: { max: '2.9.9' } }, 'a'],
      [{ attributes: { plan: 'gold' } }, 'a'],
      [{ attributes: { plan: ['gold', 'free'] } }, 'ab'],
      [{ attributes: { age: { min: 18 } } }, 'b'],
      [{ attributes: { age: { max: 18 } } }, 'ab'],
      [{ attributes: { age: '18' } }, 'c'],
      [{ attributes: { vip: true, plan: 'free' } }, 'b'],
      [{ attributes: { "'; drop": 'x' } }, ''],
      [{ platforms: ['G'], appVersion: { min: '1' } }, 'd'],
    ])('%j: %s', async (target, expected) => {
      const read = readTarget(target);
      const page = await audience.page(applicationId, read, { after: 0, max: 1e9, limit: 100 });
      const { rows } = await sql<{ id: string }>`select coalesce(string_agg(device_id, '' order by device_id), '') as id
        from device where seq = any(${`{${page.map(({ seq }) => seq).join(',')}}`}::bigint[])`.execute(
        room.database.kysely,
      );
      expect(rows[0]?.id).toBe(expected);
      expect(await audience.count(applicationId, read)).toBe(expected.length);
    });
  });

  it('finds the time zones of an application’s devices by skipping through the index', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(
      applicationId,
      Array.from({ length: 500 }, (_, index) => ({
        deviceId: `d${index}`,
        timeZone: index % 7 === 0 ? undefined : `Zone/${index % 5}`,
      })),
    );
    expect(await audience.timeZones(applicationId)).toEqual([0, 1, 2, 3, 4].map((each) => `Zone/${each}`));
    expect(await audience.timeZones(await room.addApplication())).toEqual([]);
  });

  it('sends each device its language, once', async () => {
    const applicationId = await room.addApplication();
    const languages = ['de', 'de-AT', 'DE_at', 'fr-CA', 'en', undefined];
    await room.addDevices(
      applicationId,
      languages.map((language, index) => ({ deviceId: `${language}-${index}`, language })),
    );
    await room.addCampaign(applicationId, NINE - HOUR, {
      ...SCHEDULE,
      languages: {
        de: { message: { alert: 'hallo' } },
        'de-AT': { message: { alert: 'servus' } },
        fr: { message: { alert: 'allô' } },
      },
    });
    const got: string[] = [];
    for (const seq of await room.look(NINE)) {
      const { alert } = (await room.messageRow(seq)).notification;
      got.push(...(await room.expand([seq])).map((deviceId) => `${alert} ${deviceId}`));
    }
    expect(got.toSorted()).toEqual([
      'allô fr-CA-3',
      'hallo de-0',
      'hi en-4',
      'hi undefined-5',
      'servus DE_at-2',
      'servus de-AT-1',
    ]);
  });

  it('a split takes its shares of the users, equal in every run, with all of a user’s devices', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(
      applicationId,
      Array.from({ length: 4_000 }, (_, index) => ({ deviceId: `d${index}`, userId: `u${index % 2_000}` })),
    );
    const split = [
      { name: 'A', share: 30 },
      { name: 'B', share: 20 },
    ];
    await room.addCampaign(applicationId, NINE - HOUR, { ...SCHEDULE, split });
    const runs: string[][][] = [];
    for (const now of [NINE, NINE + 24 * HOUR]) {
      const parts: string[][] = [];
      for (const seq of await room.look(now)) parts.push(await room.expand([seq]));
      runs.push(parts);
    }
    const [[a = [], b = []] = []] = runs;
    expect(runs[1]).toEqual(runs[0]);
    // The id of a new campaign draws anew each time: seven standard deviations of a binomial share of 2,000 users are
    // 143 and 125; mixed-up shares would be 200 away.
    expect(Math.abs(a.length / 2 - 600)).toBeLessThan(143);
    expect(Math.abs(b.length / 2 - 400)).toBeLessThan(125);
    const users = (part: string[]) => new Set(part.map((deviceId) => Number(deviceId.slice(1)) % 2_000));
    expect(users(a).size).toBe(a.length / 2);
    expect([...users(a)].filter((user) => users(b).has(user))).toEqual([]);
  });

  describe('the daily cap', () => {
    it('applies across campaigns for 24 hours, and counts a user once for all devices', async () => {
      const applicationId = await room.addApplication();
      await room.addDevices(applicationId, [
        { deviceId: 'a1', userId: 'a' },
        { deviceId: 'a2', userId: 'a' },
        { deviceId: 'b1', userId: 'b', platform: 'G' },
        { deviceId: 'solo' },
      ]);
      const capped = (hour: number, dailyCap?: number, target?: Record<string, unknown>) =>
        room.addCampaign(applicationId, NINE - HOUR, {
          schedule: { at: [new Date(NINE + hour * HOUR).toISOString()] },
          policies: { dailyCap },
          target,
        });
      await capped(0, undefined, { platforms: ['A'] });
      await capped(1, 2);
      const last = await capped(2, 2);
      await capped(3, 1);
      await capped(26, 2);
      const look = async (hour: number) => room.expand(await room.look(NINE + hour * HOUR));
      expect(await look(0)).toEqual(['a1', 'a2', 'solo']);
      expect(await look(1)).toEqual(['a1', 'a2', 'b1', 'solo']);
      expect(await look(2)).toEqual(['b1']);
      expect(await look(3)).toEqual([]);
      const [message = 0] = await room.messagesOf(last.seq);
      expect(await room.messageRow(message)).toMatchObject({ audience: 1, capped: 3 });
      expect(await room.runs.list(last.seq, { before: 1e9, limit: 1 })).toMatchObject([{ audience: 1, capped: 3 }]);
      // The first and the second have left the 24 hours; the third counts for b.
      expect(await look(26)).toEqual(['a1', 'a2', 'b1', 'solo']);
    });

    it('applies to simultaneous expansions, and counts nothing twice when one is repeated', async () => {
      const applicationId = await room.addApplication();
      await room.addDevices(
        applicationId,
        Array.from({ length: 3_000 }, (_, index) => ({ deviceId: `d${index}`, userId: `u${index % 1_500}` })),
      );
      for (let index = 0; index < 5; index++)
        await room.addCampaign(applicationId, NINE - HOUR, { ...SCHEDULE, policies: { dailyCap: 2 } });
      const messages = await room.look(NINE);
      await Promise.all(messages.map((seq) => room.expansions.expandPage(seq)));
      const reached = await Promise.all(messages.map((seq) => room.expand([seq])));
      const times = new Map<string, number>();
      for (const deviceId of reached.flat()) times.set(deviceId, (times.get(deviceId) ?? 0) + 1);
      expect(times.size).toBe(3_000);
      expect([...times.values()].every((count) => count === 2)).toBe(true);
      expect(await room.reach.forget((NINE - 24 * HOUR) * 1_000)).toBe(false);
      const left = await sql<{
        count: number;
      }>`select count(*) as count from reach where application_id = ${applicationId}`.execute(room.database.kysely);
      expect(left.rows[0]?.count).toBe(1_500);
      await room.reach.forget((NINE + 48 * HOUR) * 1_000);
      const gone = await sql<{
        count: number;
      }>`select count(*) as count from reach where application_id = ${applicationId}`.execute(room.database.kysely);
      expect(gone.rows[0]?.count).toBe(0);
    });
  });

  it('a wave of a hundred messages for each of many campaigns fits a statement', async () => {
    const applicationId = await room.addApplication();
    const split = Array.from({ length: 100 }, (_, index) => ({ name: `v${index}`, share: 1 }));
    for (let index = 0; index < 25; index++) await room.addCampaign(applicationId, NINE - HOUR, { ...SCHEDULE, split });
    expect(await room.look(NINE)).toHaveLength(2_500);
  });

  it('removes rows of old runs only', async () => {
    const applicationId = await room.addApplication();
    const { seq } = await room.addCampaign(applicationId, NINE - HOUR, { ...SCHEDULE, policies: { ratePerSecond: 5 } });
    const [first = 0] = await room.look(NINE);
    const { rate_seq: rateSeq } = await room.messageRow(first);
    await room.look(NINE + 24 * HOUR);
    while (await room.runs.removeOld(new Date(NINE + HOUR)));
    await room.runs.removeRates();
    expect(await room.runRows(seq)).toMatchObject([{ scheduled_at: new Date(NINE + 24 * HOUR) }]);
    expect((await room.messageRow(first)).rate_seq).toBe(rateSeq);
    await room.database.kysely.deleteFrom('message').where('seq', '=', first).execute();
    const rates = () =>
      room.database.kysely.selectFrom('message_rate').select('seq').where('seq', '=', rateSeq).execute();
    expect(await rates()).toHaveLength(1);
    await room.runs.removeRates();
    expect(await rates()).toHaveLength(0);
  });

  describe('a rate', () => {
    const dueTimes = async (messageSeqs: number[]) => {
      const rows = await room.database.kysely
        .selectFrom('batch')
        .select(['due_at', 'size', 'state'])
        .where('message_seq', 'in', messageSeqs)
        .orderBy('due_at')
        .execute();
      expect(rows.every(({ state }) => state === 'ready')).toBe(true);
      return rows.map(({ due_at: due, size }) => ({ due: due?.getTime() ?? 0, size }));
    };

    it('is planned ten seconds ahead, exactly, and shared by a run’s messages', async () => {
      const applicationId = await room.addApplication();
      await room.addDevices(
        applicationId,
        Array.from({ length: 300 }, (_, index) => ({ deviceId: `d${index}` })),
      );
      const now = Date.now();
      await room.addCampaign(applicationId, now - HOUR, {
        schedule: { at: [new Date(now).toISOString()] },
        split: [
          { name: 'A', share: 50 },
          { name: 'B', share: 50 },
        ],
        policies: { ratePerSecond: 7.5 },
      });
      const messages = await room.look(now);
      await room.expand(messages);
      const times = await dueTimes(messages);
      // Ten seconds ahead, and the page that crosses them, for either of the two messages.
      const sum = times.reduce((total, { size }) => total + size, 0);
      expect(sum).toBeGreaterThanOrEqual(75);
      expect(sum).toBeLessThanOrEqual(75 + 2 * 42);
      for (let index = 1; index < times.length; index++) {
        const [before, after] = [times[index - 1], times[index]];
        expect(
          Math.abs((after?.due ?? 0) - (before?.due ?? 0) - ((before?.size ?? 0) / 7.5) * 1_000),
        ).toBeLessThanOrEqual(1);
      }
      // The rest is planned when its time is near.
      for (const seq of messages) {
        const row = await room.messageRow(seq);
        expect(['accepted', 'expanding']).toContain(row.state);
        expect(row.expand_at?.getTime()).toBeGreaterThan(now);
        expect(await room.expansions.expandPage(seq)).toEqual({ promoted: [], more: false });
      }
    });

    it('spreads the audience over the time', async () => {
      const applicationId = await room.addApplication();
      await room.addDevices(
        applicationId,
        Array.from({ length: 45 }, (_, index) => ({ deviceId: `d${index}` })),
      );
      const now = Date.now();
      await room.addCampaign(applicationId, now - HOUR, {
        schedule: { at: [new Date(now).toISOString()] },
        policies: { spreadSeconds: 10 },
      });
      const messages = await room.look(now);
      expect(await room.expand(messages)).toHaveLength(45);
      const times = await dueTimes(messages);
      expect(times.map(({ size }) => size)).toEqual([...Array.from({ length: 11 }, () => 4), 1]);
      expect(Math.abs((times.at(-1)?.due ?? 0) - (times[0]?.due ?? 0) - (44 / 4.5) * 1_000)).toBeLessThanOrEqual(1);
    });
  });
});
