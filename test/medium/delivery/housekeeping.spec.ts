import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationRemovalRepository } from '../../../src/applications/application-removal.repository.js';
import { Clock } from '../../../src/common/clock.js';
import { registry } from '../../../src/common/meters.js';
import { Housekeeper } from '../../../src/delivery/upkeep/housekeeper.js';
import { OUTCOME } from '../../../src/delivery/outcome.js';
import { RemovalGuard } from '../../../src/delivery/upkeep/removal-guard.js';
import { RemovalRepository } from '../../../src/delivery/upkeep/removal.repository.js';
import { RetentionRepository } from '../../../src/delivery/upkeep/retention.repository.js';
import { DeviceRegistrationRepository } from '../../../src/devices/device-registration.repository.js';
import { DeviceRepository } from '../../../src/devices/device.repository.js';
import { DeviceRetentionRepository } from '../../../src/devices/device-retention.repository.js';
import { TallyRepository } from '../../../src/devices/tally.repository.js';
import { Room, batchOf, recordAll } from './room.js';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-23T10:00:00Z');
const daysAgo = (days: number) => new Date(NOW - days * DAY);

/** A clock that stands on 23 November. */
class FixedClock extends Clock {
  override now(): number {
    return NOW;
  }
}

describe('housekeeping', () => {
  let room: Room;
  let messages: RetentionRepository;
  let devices: DeviceRetentionRepository;
  beforeAll(async () => {
    room = await Room.open();
    messages = new RetentionRepository(room.database);
    devices = new DeviceRetentionRepository(room.database);
    await sql`update housekeeping set looked_at = ${new Date(NOW)}`.execute(room.database.kysely);
  });
  afterAll(() => room.remove());

  const newHousekeeper = (
    days = { messageDays: 30, deviceUnseenDays: 270, deviceRetiredDays: 90, webhookEventDays: 3 },
  ) => {
    const config = { retention: { ...days, atMostPercent: 20 } };
    return new Housekeeper(
      config,
      messages,
      devices,
      new ApplicationRemovalRepository(room.database),
      new TallyRepository(room.database),
      new RemovalGuard(config, new RemovalRepository(room.database), new FixedClock()),
    );
  };

  /** A message with this number of batches that ended then. */
  async function ended(applicationId: string, batches: number, finishedAt: Date) {
    const parts = Array.from({ length: batches }, () => batchOf(1));
    const message = await room.accept(applicationId, parts);
    await sql`update batch set state = 'done', counts = '{0,0,0,0,1,0,0,0}', outcomes = decode('04', 'hex')
      where message_seq = ${message.seq}`.execute(room.database.kysely);
    await sql`update message set state = 'finished', open_batches = 0, finished_at = ${finishedAt}
      where seq = ${message.seq}`.execute(room.database.kysely);
    return message;
  }
  const countBatches = async (seq: number) => (await room.batchRows(seq)).length;
  const exists = async (seq: number) =>
    (await room.database.kysely.selectFrom('message').select('seq').where('seq', '=', seq).execute()).length === 1;

  it('joins the rows of each name of the tally, and removes sums of zero', async () => {
    const { kysely } = room.database;
    const tally = new TallyRepository(room.database);
    const amounts: [string, number][] = [
      ['small', 1],
      ['small', 1],
      ['gone', 2],
      ['gone', -2],
      ['never', 0],
      ['one', 5],
    ];
    for (const [name, amount] of amounts)
      await sql`insert into tally (application_id, kind, name, amount) values ('com.acme.tally', 'subscription', ${name}, ${amount})`.execute(
        kysely,
      );
    await sql`insert into tally (application_id, kind, name, amount)
      select 'com.acme.tally', 'subscription', 'tag' || lpad(n::text, 5, '0'), n % 2 from generate_series(1, 4000) as n`.execute(
      kysely,
    );
    const total = () => sql<{ sum: number }>`select coalesce(sum(amount), 0)::int as sum from tally`.execute(kysely);
    const { rows: sumBefore } = await total();
    let steps = 1;
    while (await tally.fold()) steps++;
    expect(steps).toBeGreaterThan(2);
    const { rows } = await sql<{ name: string; amount: number }>`
      select name, amount::int as amount from tally where application_id = 'com.acme.tally' and name not like 'tag%' order by name`.execute(
      kysely,
    );
    expect(rows).toEqual([
      { name: 'one', amount: 5 },
      { name: 'small', amount: 2 },
    ]);
    const { rows: tags } = await sql<{ count: number }>`
      select count(*)::int as count from tally where name like 'tag%'`.execute(kysely);
    expect(tags).toEqual([{ count: 2_000 }]);
    expect((await total()).rows).toEqual(sumBefore);
    await sql`delete from tally where application_id = 'com.acme.tally'`.execute(kysely);
  });

  /** The plan of a statement with its parameters. */
  async function planOf(statement: string): Promise<string> {
    const { rows } = await room.database.pool.query<Record<string, string>>(`explain ${statement}`);
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  }

  describe('values that callers gave for users', () => {
    const fields = (name: string) => new Map([[name, { name }]]);
    const usersOf = async (seq: number) => {
      const { rows } = await sql<{ user: string }>`
        select user_id as "user" from message_data where message_seq = ${seq} order by user_id`.execute(
        room.database.kysely,
      );
      return rows.map(({ user }) => user);
    };
    async function addUsers(names: readonly string[]): Promise<{ applicationId: string; seqs: number[] }> {
      const applicationId = await room.addApplication();
      const seqs = await room.addDevices(applicationId, names.length);
      for (const [index, name] of names.entries())
        await sql`update device set user_id = ${name} where seq = ${seqs[index]!}`.execute(room.database.kysely);
      return { applicationId, seqs };
    }

    it('are removed when the message has ended, except for users that a resend may reach; those go with the message', async () => {
      const { applicationId, seqs } = await addUsers(['ann', 'ben', 'cleo', 'ben']);
      const data = new Map(['ann', 'ben', 'cleo', 'dora'].map((name) => [name, { name }]));
      const batch = { ...batchOf(4, 'sandbox', 0), deviceSeqs: seqs };
      const body = { message: { alert: 'Hi {{name}}' }, data: Object.fromEntries(data) };
      const message = await room.accept(applicationId, [batch], { data, body });
      expect((await room.messageRow(message.seq)).body).toEqual({ message: { alert: 'Hi {{name}}' } });
      // Stored by an older release.
      await sql`update message set body = ${JSON.stringify(body)} where seq = ${message.seq}`.execute(
        room.database.kysely,
      );
      await newHousekeeper().tidy();
      expect(await usersOf(message.seq)).toEqual(['ann', 'ben', 'cleo', 'dora']);
      expect((await room.messageRow(message.seq)).body).toEqual(body);
      const claimed = await room.claim(message.batchIds[0]!);
      const outcomes = ['accepted', 'accepted', 'failed', 'expired'] as const;
      for (const [position, outcome] of outcomes.entries())
        claimed.ledger.record(position, { outcome: OUTCOME[outcome] }, true);
      await room.batches.finish(claimed, { state: 'done', waitMs: null });
      await newHousekeeper().tidy();
      // One of Ben's two devices did not get it.
      expect(await usersOf(message.seq)).toEqual(['ben', 'cleo']);
      expect((await room.messageRow(message.seq)).body).toEqual({ message: { alert: 'Hi {{name}}' } });

      const again = await room.accept(applicationId, null, { resend: { of: message.id, outcomes: ['failed'] } });
      expect(await usersOf(again.seq)).toEqual(['ben', 'cleo']);
      await newHousekeeper().tidy();
      expect(await usersOf(again.seq)).toEqual(['ben', 'cleo']);
      await room.expansions.expandPage(again.seq);
      const resent = await room.claim((await room.batchRows(again.seq))[0]!.id);
      recordAll(resent, 'accepted');
      await room.batches.finish(resent, { state: 'done', waitMs: null });
      await newHousekeeper().tidy();
      expect(await usersOf(again.seq)).toEqual([]);
      await sql`update message set finished_at = ${daysAgo(31)} where seq = ${message.seq}`.execute(
        room.database.kysely,
      );
      await newHousekeeper().tidy();
      expect(await usersOf(message.seq)).toEqual([]);
    });

    it('are removed in steps, past messages that have not ended, and for a cancelled message', async () => {
      const { applicationId } = await addUsers([]);
      const names = Array.from({ length: 4_500 }, (_each, index) => `user ${index}`);
      const open = await room.accept(applicationId, [batchOf(1)], { data: fields('ann') });
      const many = await room.accept(applicationId, [], { data: new Map(names.map((name) => [name, { name }])) });
      const cancelled = await room.accept(applicationId, [batchOf(1)], { data: fields('ben') });
      const batch = await room.claim(cancelled.batchIds[0]!);
      await room.control.cancel(applicationId, cancelled.id);
      await room.batches.finish(batch, { state: 'ready', waitMs: 60_000 });
      expect(await messages.forgetValues(open.seq - 1)).toBe(open.seq - 1);
      expect(await usersOf(many.seq)).toHaveLength(2_500);
      await newHousekeeper().tidy();
      expect([await usersOf(open.seq), await usersOf(many.seq), await usersOf(cancelled.seq)]).toEqual([
        ['ann'],
        [],
        [],
      ]);
    });
  });

  describe('messages', () => {
    it('are removed when they ended long enough ago, and only then', async () => {
      const applicationId = await room.addApplication();
      const old = await ended(applicationId, 2, daysAgo(31));
      const young = await ended(applicationId, 2, daysAgo(29));
      const moving = await room.accept(applicationId, [batchOf(1)], { acceptedAt: daysAgo(40) });
      await newHousekeeper({ messageDays: 0, deviceUnseenDays: 0, deviceRetiredDays: 0, webhookEventDays: 3 }).tidy();
      expect(await exists(old.seq)).toBe(true);
      await newHousekeeper().tidy();
      expect([await exists(old.seq), await countBatches(old.seq)]).toEqual([false, 0]);
      expect([await exists(young.seq), await countBatches(young.seq)]).toEqual([true, 2]);
      expect(await exists(moving.seq)).toBe(true);
    });

    it('are removed oldest first and step by step, and never seen half removed', async () => {
      const applicationId = await room.addApplication();
      const large = await ended(applicationId, 450, daysAgo(50));
      const small = await ended(applicationId, 1, daysAgo(40));
      const before = daysAgo(45);
      const from = await messages.removeMessages(before);
      expect(from).toEqual(daysAgo(50));
      expect(await countBatches(large.seq)).toBe(250);
      expect(await room.reports.find(applicationId, large.id, Date.now())).toBeUndefined();
      expect(await room.messages.findOriginal(applicationId, large.id)).toBeUndefined();
      expect(await room.control.cancel(applicationId, large.id)).toBe(false);
      await expect(
        room.accept(applicationId, null, { resend: { of: large.id, outcomes: ['failed'] } }),
      ).rejects.toThrow('does not exist');
      // A scheduler that was killed here is followed by two others at once.
      const rest = async () => {
        while (await messages.removeMessages(before, from));
      };
      await Promise.all([rest(), rest()]);
      await rest();
      expect([await exists(large.seq), await exists(small.seq)]).toEqual([false, true]);
    });

    it('are removed from the time of the step before, whose index entries are not read again', async () => {
      const applicationId = await room.addApplication();
      const older = await ended(applicationId, 1, daysAgo(60));
      const newer = await ended(applicationId, 1, daysAgo(50));
      expect(await messages.removeMessages(daysAgo(45), daysAgo(50))).toEqual(daysAgo(50));
      expect(await messages.removeMessages(daysAgo(45), daysAgo(50))).toBeNull();
      expect([await exists(older.seq), await exists(newer.seq)]).toEqual([true, false]);
    });

    it('stay while a resend is made from them; the resend outlives them', async () => {
      const applicationId = await room.addApplication();
      const original = await ended(applicationId, 1, daysAgo(60));
      const again = await room.accept(applicationId, null, { resend: { of: original.id, outcomes: ['failed'] } });
      await newHousekeeper().tidy();
      expect(await exists(original.seq)).toBe(true);
      await room.expansions.expandPage(again.seq);
      await newHousekeeper().tidy();
      expect(await exists(original.seq)).toBe(false);
      const batch = await room.claim((await room.batchRows(again.seq))[0]?.id ?? 0);
      recordAll(batch, 'accepted');
      await room.batches.finish(batch, { state: 'done', waitMs: null });
      expect(await room.reports.find(applicationId, again.id, Date.now())).toMatchObject({
        state: 'finished',
        audience: 1,
        resendOf: original.id,
      });
    });

    it('are never removed under a resend that is accepted at the same moment', async () => {
      for (let round = 0; round < 20; round++) {
        const applicationId = await room.addApplication();
        const original = await ended(applicationId, 1, daysAgo(60));
        const [again] = await Promise.all([
          room
            .accept(applicationId, null, { resend: { of: original.id, outcomes: ['failed'] } })
            .catch((error: unknown) => String(error)),
          messages.removeMessages(daysAgo(30)),
        ]);
        if (typeof again === 'string') {
          expect(again).toContain('does not exist');
          continue;
        }
        await room.expansions.expandPage(again.seq);
        expect((await room.messageRow(again.seq)).audience).toBe(1);
      }
    });
  });

  describe('devices', () => {
    const rowsOf = async (applicationId: string) =>
      room.database.kysely
        .selectFrom('device')
        .select(['device_id', 'retired_reason'])
        .where('application_id', '=', applicationId)
        .orderBy('seq')
        .execute();
    const set = async (applicationId: string, deviceId: string, what: string) => {
      await room.database.pool.query(
        `update device set ${what} where application_id = '${applicationId}' and device_id = '${deviceId}'`,
      );
    };

    it('are retired if unseen for long and deleted much later, and other devices stay', async () => {
      const applicationId = await room.addApplication();
      await room.addDevices(applicationId, 4);
      await set(applicationId, 'd1', `seen_on = '2026-02-25'`); // 271 days
      await set(applicationId, 'd2', `seen_on = '2026-02-26'`); // 270 days
      await set(applicationId, 'd3', `retired_reason = 'gone', retired_at = '${daysAgo(91).toISOString()}'`);
      await set(applicationId, 'd4', `retired_reason = 'gone', retired_at = '${daysAgo(89).toISOString()}'`);
      await newHousekeeper({ messageDays: 0, deviceUnseenDays: 0, deviceRetiredDays: 0, webhookEventDays: 3 }).tidy();
      expect(await rowsOf(applicationId)).toHaveLength(4);
      await newHousekeeper().tidy();
      expect(await rowsOf(applicationId)).toEqual([
        { device_id: 'd1', retired_reason: 'unseen' },
        { device_id: 'd2', retired_reason: null },
        { device_id: 'd4', retired_reason: 'gone' },
      ]);
      const { values } = await registry.getSingleMetric('carillon_tokens_retired_total')!.get();
      const counted = values.filter(({ labels }) => labels.app === applicationId);
      const [{ provider }] = (await room.database.kysely
        .selectFrom('device')
        .select('provider')
        .limit(1)
        .execute()) as [{ provider: string }];
      expect(counted).toEqual([{ labels: { app: applicationId, provider, reason: 'unseen' }, value: 1 }]);
      await set(applicationId, 'd1', `retired_at = '${daysAgo(91).toISOString()}'`);
      await newHousekeeper().tidy();
      expect((await rowsOf(applicationId)).map((row) => row.device_id)).toEqual(['d2', 'd4']);
    });

    it('are active again when they register, and when the app reads its registration', async () => {
      const applicationId = await room.addApplication();
      await room.addDevices(applicationId, 3);
      for (const id of ['d1', 'd2', 'd3']) await set(applicationId, id, `seen_on = '2026-01-01'`);
      await set(applicationId, 'd3', `retired_reason = 'gone', retired_at = now()`);
      await newHousekeeper().tidy();
      const repository = new DeviceRepository(room.database);
      const device = {
        deviceId: 'd1',
        platform: 'A',
        provider: 'sandbox',
        token: 't1',
        identity: 't1',
        userId: null,
      } as const;
      const contact = { phoneNumber: null, userAgent: null };
      const profile = { language: null, timeZone: null, appVersion: null, attributes: null };
      const registrations = new DeviceRegistrationRepository(room.database);
      await registrations.put(applicationId, { ...device, ...contact, ...profile }, new Date(NOW));
      for (const id of ['d2', 'd3'])
        await repository.noteSeen((await repository.find(applicationId, id))!, new Date(NOW));
      // Reading does not revive a device whose token the provider called dead.
      const alive = [
        { device_id: 'd1', retired_reason: null },
        { device_id: 'd2', retired_reason: null },
        { device_id: 'd3', retired_reason: 'gone' },
      ];
      expect(await rowsOf(applicationId)).toEqual(alive);
      await newHousekeeper().tidy();
      expect(await rowsOf(applicationId)).toEqual(alive);
    });

    it('are found by an index among many, by two schedulers at once', async () => {
      const applicationId = await room.addApplication();
      await room.addDevices(applicationId, 20_000);
      await sql`update device set seen_on = '2026-01-01' where application_id = ${applicationId} and seq % 10 = 0`.execute(
        room.database.kysely,
      );
      await room.database.pool.query('analyze device');
      const unseen = await planOf(`select seq from device where retired_at is null and seen_on < '2026-02-26'
        order by seen_on limit 500 for update skip locked`);
      expect(unseen).toContain('device_seen');
      const sweep = async () => {
        while ((await devices.retireUnseen(daysAgo(270), new Date(NOW))).length > 0);
      };
      await Promise.all([sweep(), sweep()]);
      expect((await rowsOf(applicationId)).filter((row) => row.retired_reason === 'unseen')).toHaveLength(2_000);
      await room.database.pool.query('analyze device');
      const retired = await planOf(`select seq from device where retired_at < '${daysAgo(90).toISOString()}'
        order by retired_at limit 500 for update skip locked`);
      expect(retired).toContain('device_retired');
    });
  });

  it('removes idempotency keys after a day', async () => {
    const applicationId = await room.addApplication();
    const keep = (key: string, acceptedAt: Date) =>
      room.accept(applicationId, [], { acceptedAt, idempotency: { key, requestHash: Buffer.from(key) } });
    await keep('old', new Date(NOW - DAY - 1_000));
    const young = await keep('young', new Date(NOW - DAY + 60_000));
    await newHousekeeper().tidy();
    expect(await room.messages.findByIdempotencyKey(applicationId, 'test', 'old')).toBeUndefined();
    expect(await room.messages.findByIdempotencyKey(applicationId, 'test', 'young')).toMatchObject({ id: young.id });
    // The key may name another message now.
    await keep('old', new Date(NOW));
    expect(await room.messages.findByIdempotencyKey(applicationId, 'test', 'old')).toBeDefined();
  });
});
