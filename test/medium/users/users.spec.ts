import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApplicationRemovalRepository } from '../../../src/applications/application-removal.repository.js';
import { ApplicationRepository } from '../../../src/applications/application.repository.js';
import { ApplicationsService } from '../../../src/applications/applications.service.js';
import { LeaseRepository } from '../../../src/applications/lease.repository.js';
import { Clock } from '../../../src/common/clock.js';
import { RecipientsService } from '../../../src/delivery/deliver/recipients.service.js';
import { ValuesRepository } from '../../../src/delivery/deliver/values.repository.js';
import { DeviceTransferRepository } from '../../../src/devices/device-transfer.repository.js';
import { DeviceRepository } from '../../../src/devices/device.repository.js';
import { DeliveryReportRepository } from '../../../src/messages/report/delivery-report.repository.js';
import { ReportsService } from '../../../src/messages/report/reports.service.js';
import { EventRepository } from '../../../src/events/event.repository.js';
import { EventWatch } from '../../../src/events/event-watch.js';
import { FeedService } from '../../../src/events/feed.service.js';
import { ForgettingRepository } from '../../../src/users/forgetting.repository.js';
import { UserDataRepository } from '../../../src/users/user-data.repository.js';
import { UserKeeper } from '../../../src/users/user-keeper.js';
import { UserRemovalRepository } from '../../../src/users/user-removal.repository.js';
import { UsersService } from '../../../src/users/users.service.js';
import type { UserPlace } from '../../../src/users/users.service.js';
import { Room, batchOf, recordAll } from '../delivery/room.js';

const ACTOR = { clientId: 'admin', address: '192.0.2.1' };
/** Columns that may contain a user's id; their rows are searched as text. */
const TABLES = [
  'device',
  'message',
  'message_data',
  'reach',
  'campaign',
  'campaign_run',
  'user_removal',
  'audit_event',
  'webhook_event_ended',
];

describe('a user’s data', () => {
  let room: Room;
  let removals: UserRemovalRepository;
  let users: UsersService;
  let applicationId: string;
  let ann: string;
  let ben: string;
  beforeAll(async () => {
    room = await Room.open();
    const { database } = room;
    removals = new UserRemovalRepository(database, new ForgettingRepository(room.control));
    const clock = new Clock();
    const applications = new ApplicationsService(
      new ApplicationRepository(database),
      new ApplicationRemovalRepository(database),
      new LeaseRepository(database),
      clock,
    );
    const deliveries = new DeliveryReportRepository(database);
    const reports = new ReportsService(applications, new DeviceRepository(database), room.reports, deliveries, clock);
    const data = new UserDataRepository(database);
    users = new UsersService(applications, new DeviceTransferRepository(database), data, reports, removals, clock);
  });
  afterAll(() => room.remove());
  beforeEach(async () => {
    applicationId = await room.addApplication();
    [ann, ben] = [`ann@${applicationId}`, `ben@${applicationId}`];
  });

  /**
   * Devices of the users in turn, in that order; ids d1, d2, … with the application's id, to differ from other tests'.
   */
  async function register(...names: string[]): Promise<number[]> {
    const seqs = await room.addDevices(applicationId, names.length);
    for (const [index, name] of names.entries())
      await sql`update device set user_id = ${name}, device_id = ${`${applicationId}-d${index + 1}`},
        attributes = '{"plan":"gold"}' where seq = ${seqs[index]!}`.execute(room.database.kysely);
    return seqs;
  }
  const deviceId = (number: number) => `${applicationId}-d${number}`;
  const to = (...userIds: string[]) => {
    const target = { userIds };
    return { target, body: { message: { alert: 'Hi' }, target }, urgent: true };
  };
  const batch = (...deviceSeqs: number[]) => ({ ...batchOf(deviceSeqs.length), deviceSeqs });
  async function run(id: number): Promise<void> {
    const claimed = await room.claim(id);
    const recipients = new RecipientsService(new DeviceRepository(room.database), new ValuesRepository(room.database));
    const found = await recipients.find(claimed);
    recordAll({ ...claimed, due: found.map(({ position }) => position) }, 'accepted');
    await room.batches.finish(claimed, { state: 'done', waitMs: null });
  }
  async function tablesNaming(text: string): Promise<string[]> {
    const found: string[] = [];
    for (const table of TABLES) {
      const { rows } = await sql`
        select from ${sql.table(table)} as row where row_to_json(row)::text like ${`%${text}%`} limit 1`.execute(
        room.database.kysely,
      );
      if (rows.length > 0) found.push(table);
    }
    return found;
  }
  async function finishAll(): Promise<void> {
    for (let step = await removals.removeSome(); step !== 'done'; step = await removals.removeSome())
      expect(step).not.toBe('held');
  }
  async function readAll(userId: string, size: number) {
    const pages = [];
    for (let at: UserPlace | null = [0, 0, 0]; at; at = pages.at(-1)!.next)
      pages.push(await users.readUser(applicationId, userId, at, size));
    return pages;
  }

  it.each([1, 2, 3, 100])('is returned completely, %i entries a page', async (size) => {
    const [ann1 = 0, ben1 = 0, ann2 = 0] = await register(ann, ben, ann);
    await sql`insert into tag (application_id, name, description, updated_at) values (${applicationId}, 'news', '', now())`.execute(
      room.database.kysely,
    );
    await sql`insert into subscription (application_id, tag_name, device_seq) values (${applicationId}, 'news', ${ann2})`.execute(
      room.database.kysely,
    );
    await sql`insert into reach (application_id, person, keys)
      values (${applicationId}, ${`u${ann}`}, array[1790000000000001])`.execute(room.database.kysely);
    const data = new Map([ann, ben].map((name) => [name, { name }]));
    const sent = await room.accept(applicationId, [batch(ann1, ben1, ann2)], { ...to(ann, ben), data });
    await run(sent.batchIds[0]!);
    const alone = await room.accept(applicationId, [batch(ann2)], to(ann));
    await room.accept(applicationId, [batch(ben1)], to(ben));

    const pages = await readAll(ann, size);
    for (const { devices, values, messages } of pages)
      expect(devices.length + values.length + messages.length).toBeLessThanOrEqual(size);
    expect(pages.flatMap(({ reached }) => reached)).toEqual([new Date(1_790_000_000_000)]);
    expect(pages.flatMap(({ devices }) => devices).map((each) => [each.device.deviceId, each.tagNames])).toEqual([
      [deviceId(1), ['Push.ALL']],
      [deviceId(3), ['Push.ALL', 'news']],
    ]);
    expect(pages[0]?.devices[0]?.device.attributes).toEqual({ plan: 'gold' });
    expect(pages.flatMap(({ values }) => values)).toEqual([
      { seq: sent.seq, messageId: sent.id, fields: { name: ann } },
    ]);
    expect(
      pages.flatMap(({ messages }) => messages).map((each) => [each.deviceId, each.messageId, each.outcome]),
    ).toEqual([
      [deviceId(1), sent.id, 'accepted'],
      [deviceId(3), alone.id, 'pending'],
      [deviceId(3), sent.id, 'accepted'],
    ]);
  });

  it('is empty for a user without data, for no user, and for another application’s user', async () => {
    await register(ann);
    await expect(readAll('zoe', 10)).rejects.toThrow('the user does not exist');
    await expect(readAll('anonymous', 10)).rejects.toThrow('anonymous is not a user id');
    applicationId = await room.addApplication();
    await expect(readAll(ann, 10)).rejects.toThrow('the user does not exist');
    expect(await users.removeUser(ACTOR, applicationId, 'zoe')).toBe(true);
  });

  it('is removed completely; open messages reach the other users, and their counts add up', async () => {
    const [ann1 = 0, ben1 = 0, ann2 = 0] = await register(ann, ben, ann);
    const data = new Map([ann, ben].map((name) => [name, { name }]));
    const shared = await room.accept(applicationId, [batch(ann1, ben1, ann2)], { ...to(ann, ben), data });
    const ended = await room.accept(applicationId, [batch(ann1, ann2)], {
      ...to(ann),
      notification: { alert: 'Your code is 1234', collapseId: 'code' },
      idempotency: { key: 'k1', requestHash: Buffer.alloc(32) },
    });
    await run(ended.batchIds[0]!);
    const scheduled = await room.accept(applicationId, null, { ...to(ann), sendAt: new Date(Date.now() + 3_600_000) });
    const target = { deviceIds: [deviceId(3), deviceId(2)] };
    const toDevices = await room.accept(applicationId, [batch(ben1, ann2)], { target, body: { target } });
    const relay = { message: { alert: 'Hi' }, target: { userIds: [ann, 'cleo'] } };
    const relayed = await room.accept(applicationId, [batch(ben1)], {
      ...to(ben),
      body: { ...relay, target: { userIds: [ann, ben, 'cleo'] } },
      notification: { alert: 'Hi', collapseId: 'r' },
    });
    await sql`update message set notification = notification || ${JSON.stringify({ relay })}::jsonb
      where seq = ${relayed.seq}`.execute(room.database.kysely);
    const everybody = await room.accept(applicationId, [batch(ann1, ben1, ann2)]);
    await sql`insert into reach (application_id, person, keys) values (${applicationId}, ${`u${ann}`}, '{1}'),
      (${applicationId}, ${`d${deviceId(1)}`}, '{1}'), (${applicationId}, ${`u${ben}`}, '{1}')`.execute(
      room.database.kysely,
    );
    await sql`insert into campaign (application_id, id, client_id, name, definition, state, created_at, updated_at)
      values (${applicationId}, 'c', 'admin', 'c', ${JSON.stringify({ target: { userIds: [ann, ben] } })}, 'draft', now(), now())`.execute(
      room.database.kysely,
    );

    await sql`with hook as (
      insert into webhook (application_id, name, url, event_types, secret)
      values (${applicationId}, 'w', 'https://a.example', '{onDeviceRegister}', '') returning id)
      insert into webhook_event_ended (webhook_id, id, body, created_at, user_id)
      select hook.id, n, json_build_object('entity', json_build_object('userId', name)), now(), name
      from hook, unnest(${[ann, ben]}::text[]) with ordinality as each (name, n)`.execute(room.database.kysely);

    expect(await users.removeUser(ACTOR, applicationId, ann)).toBe(true);
    expect(await tablesNaming(ann)).toEqual([]);
    for (const number of [1, 3]) expect(await tablesNaming(deviceId(number))).toEqual([]);
    await expect(readAll(ann, 10)).rejects.toThrow('the user does not exist');

    for (const message of [shared, toDevices, everybody]) await run(message.batchIds[0]!);
    const totals = async ({ seq }: { seq: number }) => {
      const { state, totals: counts, audience } = await room.messageRow(seq);
      return { state, audience, accepted: counts?.[2], cancelled: counts?.[6], sum: counts?.reduce((a, b) => a + b) };
    };
    expect(await totals(shared)).toEqual({ state: 'finished', audience: 3, accepted: 1, cancelled: 2, sum: 3 });
    expect(await totals(everybody)).toEqual({ state: 'finished', audience: 3, accepted: 1, cancelled: 2, sum: 3 });
    expect(await totals(toDevices)).toEqual({ state: 'finished', audience: 2, accepted: 1, cancelled: 1, sum: 2 });
    expect(await totals(ended)).toEqual({ state: 'finished', audience: 2, accepted: 2, cancelled: 0, sum: 2 });
    expect((await room.messageRow(scheduled.seq)).state).toBe('cancelled');

    const pseudonym = (await room.messageRow(shared.seq)).target.userIds?.[0] ?? '';
    expect(pseudonym).toMatch(/^removed-[\w-]{20}$/);
    expect((await room.messageRow(shared.seq)).target).toEqual({ userIds: [pseudonym, ben] });
    expect((await room.messageRow(shared.seq)).body).toMatchObject({ target: { userIds: [pseudonym, ben] } });
    expect((await room.messageRow(toDevices.seq)).target).toEqual({ deviceIds: [pseudonym, deviceId(2)] });
    const row = await room.messageRow(relayed.seq);
    expect(row.notification.relay?.target).toEqual({ userIds: ['cleo'] });
    expect(row.body.target).toEqual({ userIds: [pseudonym, ben, 'cleo'] });
    const code = await room.messageRow(ended.seq);
    expect(code).toMatchObject({
      target: { userIds: [pseudonym] },
      body: { message: { alert: '' }, target: { userIds: [pseudonym] } },
      notification: { alert: '', collapseId: 'code' },
      idempotency_key: 'k1',
    });
    expect((await room.messageRow(everybody.seq)).target).toEqual({});
    const { rows: audit } = await sql<{ action: string; client_id: string; detail: object }>`
      select action, client_id, detail from audit_event where subject = ${applicationId}`.execute(room.database.kysely);
    expect(audit).toEqual([{ action: 'user.delete', client_id: 'admin', detail: { pseudonym } }]);
    expect(await tablesNaming(ben)).toEqual(
      expect.arrayContaining(['device', 'message', 'message_data', 'reach', 'webhook_event_ended']),
    );
  });

  it('takes events of the devices out of the feed and of what webhooks keep; cursors there hold', async () => {
    const events = new EventRepository(room.database);
    const feed = new FeedService(users['applications'], events, new EventWatch(events), new Clock());
    const read = (after?: string) =>
      feed.read({ applicationId, after, types: null }, 100, 0, new AbortController().signal);
    const eventTypes = ['device.registered' as const, 'device.retired' as const];
    await events.want(applicationId, { eventTypes, labels: null, campaigns: null });
    await sql`
      insert into device (application_id, device_id, platform, provider, token, token_hash, user_id, registered_at, updated_at)
      select ${applicationId}, ${applicationId} || '-d' || n, 'A', 'sandbox', 't' || n, sha256(('t' || n)::bytea), name, now(), now()
      from unnest(${[ben, ann, ben, ann]}::text[]) with ordinality as each (name, n)`.execute(room.database.kysely);
    while ((await events.place()) > 0);
    const { cursor } = await read();
    const { rows } = await sql<{ position: number; eventId: string }>`
      select position, event_id as "eventId" from event where subject = ${`device/${deviceId(2)}`}`.execute(
      room.database.kysely,
    );
    const within = feed.cursorOf(applicationId, { ...rows[0]!, body: '' });
    await sql`with hook as (
      insert into webhook (application_id, name, url, event_types, secret)
      values (${applicationId}, 'w', 'https://a.example', '{device.registered}', '') returning id)
      insert into webhook_event_ended (webhook_id, id, subject, body, created_at)
      select hook.id, event.id, subject, body, now() from hook, event where application_id = ${applicationId}`.execute(
      room.database.kysely,
    );

    await users.removeUser(ACTOR, applicationId, ann);
    await finishAll();
    while ((await events.place()) > 0);
    const told = async (after?: string) =>
      (await read(after)).events.map(({ body }) => {
        const { type, data } = JSON.parse(body) as { type: string; data: { deviceId: string } };
        return [type, data.deviceId.replace(`${applicationId}-`, '')];
      });
    const retired = ['d2', 'd4'].map((id) => ['device.retired', id]);
    expect(await told()).toEqual([['device.registered', 'd1'], ['device.registered', 'd3'], ...retired]);
    expect(await told(within)).toEqual([['device.registered', 'd3'], ...retired]);
    expect(await told(cursor)).toEqual(retired);
    const kept = await sql<{ subject: string }>`
      select subject from webhook_event_ended join webhook on webhook.id = webhook_id
      where application_id = ${applicationId} order by subject`.execute(room.database.kysely);
    expect(kept.rows.map(({ subject }) => subject)).toEqual([1, 3].map((number) => `device/${deviceId(number)}`));
  });

  it('keeps registrations and messages from after the request, even if the removal continues later', async () => {
    await register(ann);
    const before = await room.accept(applicationId, null, to(ann, ben));
    await removals.begin(applicationId, ann, ACTOR);
    const after = await room.accept(applicationId, null, to(ann, ben));
    await sql`insert into device (application_id, device_id, platform, provider, token, token_hash, user_id, registered_at, updated_at)
      values (${applicationId}, 'new', 'A', 'sandbox', 'new', sha256('new'), ${ann}, now(), now())`.execute(
      room.database.kysely,
    );
    await finishAll();
    expect((await readAll(ann, 10))[0]?.devices.map(({ device }) => device.deviceId)).toEqual(['new']);
    expect((await room.messageRow(before.seq)).target.userIds).not.toContain(ann);
    expect((await room.messageRow(after.seq)).target.userIds).toEqual([ann, ben]);
  });

  it(
    'is removed in steps that tolerate a crash, a second request and a second process',
    { timeout: 120_000 },
    async () => {
      const { kysely } = room.database;
      const { rows } = await sql<{ seq: number }>`
      insert into device (application_id, device_id, platform, provider, token, token_hash, user_id, registered_at, updated_at)
      select ${applicationId}, 'm' || n, 'A', 'sandbox', 't' || n, sha256(('t' || n)::bytea), ${ann}, now(), now()
      from generate_series(1, 1200) as n returning seq`.execute(kysely);
      expect(rows).toHaveLength(1_200);
      const sent = await room.accept(applicationId, [], to(ann));
      const shared = await room.accept(applicationId, [], to(ann, ben));
      const copies = (seq: number, count: number) =>
        sql`insert into message (application_id, id, client_id, body, notification, target, state, direct, accepted_at,
          expires_at, finished_at, audience, open_batches, expand_cursor)
        select application_id, id || n, client_id, body, notification, target, state, direct, accepted_at, expires_at,
          finished_at, audience, open_batches, expand_cursor
        from message, generate_series(1, ${sql.lit(count)}) as n where seq = ${seq}`.execute(kysely);
      await copies(sent.seq, 1_500);
      await copies(shared.seq, 50);
      await removals.begin(applicationId, ann, ACTOR);
      const of = { applicationId, userId: ann };
      expect([await removals.removeSome(of), await removals.removeSome(of)]).toEqual(['devices', 'devices']);
      const left = await sql<{ count: number }>`
      select count(*)::int as count from device where application_id = ${applicationId}`.execute(kysely);
      expect(left.rows).toEqual([{ count: 200 }]);
      for (let step = 0; step < 4; step++) await removals.removeSome(of);
      // Requested again as after a crash; the keepers of two processes work on it too.
      await removals.begin(applicationId, ann, ACTOR);
      await Promise.all([new UserKeeper(removals).tick(), new UserKeeper(removals).tick()]);
      await finishAll();
      expect(await tablesNaming(ann)).toEqual([]);
      const { rows: targets } = await sql<{ names: number; count: number }>`
      select count(distinct target)::int as names, count(*)::int as count from message
      where application_id = ${applicationId}`.execute(kysely);
      expect(targets).toEqual([{ names: 2, count: 1_552 }]);
    },
  );

  it('waits for a row that another transaction holds, and removes it afterwards', async () => {
    await register(ann);
    await removals.begin(applicationId, ann, ACTOR);

    await room.database.kysely.transaction().execute(async (other) => {
      await sql`select from device where application_id = ${applicationId} for update`.execute(other);
      expect(await removals.removeSome({ applicationId, userId: ann })).toBe('held');
    });
    await finishAll();
    expect(await tablesNaming(ann)).toEqual([]);
  });
});
