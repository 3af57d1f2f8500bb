import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ITSELF } from '../../../src/auth/audit.repository.js';
import { ApplicationRepository } from '../../../src/applications/application.repository.js';
import { Clock } from '../../../src/common/clock.js';
import { Vault } from '../../../src/common/vault.js';
import { RemovalGuard } from '../../../src/delivery/upkeep/removal-guard.js';
import { RemovalRepository } from '../../../src/delivery/upkeep/removal.repository.js';
import { DeviceRegistrationRepository } from '../../../src/devices/device-registration.repository.js';
import { DeviceRepository } from '../../../src/devices/device.repository.js';
import { SubscriptionRepository } from '../../../src/devices/subscription.repository.js';
import { inTransaction } from '../../../src/database/transaction.js';
import { WebhookHousekeeper } from '../../../src/webhooks/webhook-housekeeper.js';
import { WebhookClient } from '../../../src/webhooks/webhook-client.js';
import { WebhookEventRepository } from '../../../src/webhooks/webhook-event.repository.js';
import type { Replay } from '../../../src/webhooks/webhook-replay.repository.js';
import { WebhookReplayRepository } from '../../../src/webhooks/webhook-replay.repository.js';
import { WebhookRepository } from '../../../src/webhooks/webhook.repository.js';
import { WebhookSender } from '../../../src/webhooks/webhook-sender.js';
import { EVENT_TYPES } from '../../../src/webhooks/webhook.js';
import type { EventType } from '../../../src/webhooks/webhook.js';
import { Room } from '../delivery/room.js';

interface Event {
  type: string;
  applicationId: string;
  eventTimeStamp: number;
  entity: Record<string, unknown>;
}

const WAIT = { timeout: 20_000 };
const RETENTION = {
  messageDays: 30,
  deviceUnseenDays: 270,
  deviceRetiredDays: 90,
  webhookEventDays: 3,
  atMostPercent: 20,
};
const KEPT = { retention: RETENTION };

/** A customer's server: keeps the received requests and answers as configured. */
class Listener {
  readonly received: { headers: IncomingHttpHeaders; body: string }[] = [];
  answer: (body: string) => number | Promise<number> = () => 200;
  private readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      this.received.push({ headers: request.headers, body });
      void Promise.resolve(this.answer(body)).then((status) =>
        response.writeHead(status, { location: '/elsewhere' }).end(),
      );
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }
  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
  events(): Event[] {
    return this.received.map(({ body }) => JSON.parse(body) as Event);
  }
}

describe('webhooks', () => {
  let room: Room;
  let webhooks: WebhookRepository;
  let outbox: WebhookEventRepository;
  let ended: WebhookReplayRepository;
  let devices: DeviceRepository;
  let registrationsOf: DeviceRegistrationRepository;
  let subscriptions: SubscriptionRepository;
  const vault = new Vault(Buffer.alloc(32));
  const closed: WebhookClient[] = [];
  const open: { close(): void | Promise<void> }[] = [];
  beforeAll(async () => {
    room = await Room.open();
    webhooks = new WebhookRepository(room.database, vault);
    outbox = new WebhookEventRepository(room.database, vault, KEPT);
    ended = new WebhookReplayRepository(room.database);
    devices = new DeviceRepository(room.database);
    registrationsOf = new DeviceRegistrationRepository(room.database);
    subscriptions = new SubscriptionRepository(room.database);
  });
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
    for (const each of closed.splice(0)) await each.onApplicationShutdown();
    await sql`delete from webhook`.execute(room.database.kysely);
  });
  afterAll(() => room.remove());

  let registrations = 0;
  /** Each at its own moment. */
  const register = (applicationId: string, deviceId: string, token = `t-${deviceId}`) =>
    registrationsOf.put(
      applicationId,
      {
        deviceId,
        platform: 'G',
        identity: token,
        provider: 'sandbox',
        token,
        userId: null,
        phoneNumber: null,
        userAgent: null,
        language: null,
        timeZone: null,
        appVersion: null,
        attributes: null,
      },
      new Date(Date.UTC(2026, 10, 25) + registrations++),
    );
  const newListener = async (): Promise<{ listener: Listener; url: string }> => {
    const listener = new Listener();
    open.push(listener);
    return { listener, url: await listener.listen() };
  };
  const add = (applicationId: string, url: string, eventTypes: EventType[] = [...EVENT_TYPES], name = 'w') =>
    webhooks.add(applicationId, { name, url, eventTypes, labels: null, campaigns: null }, 'hush');
  const newClient = (allowPrivate = true): WebhookClient => {
    const client = new WebhookClient({ webhooks: { allowPrivate } }, new Clock());
    closed.push(client);
    return client;
  };
  const newSender = (allowPrivate = true): WebhookSender => {
    const sender = new WebhookSender(newClient(allowPrivate), outbox, new Clock());
    open.push({ close: () => sender.beforeApplicationShutdown() });
    return sender;
  };
  const deliver = (sender: WebhookSender): Promise<void> => {
    sender.look();
    return sender.idle();
  };
  const waiting = async (): Promise<number> => {
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from webhook_event`.execute(
      room.database.kysely,
    );
    return rows[0]?.count ?? -1;
  };
  const retryNow = () => sql`update webhook_event set retry_at = now()`.execute(room.database.kysely);
  const dueNow = () => sql`update webhook set next_at = now()`.execute(room.database.kysely);

  it('report devices and subscriptions in order, with a signature', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    await sql`insert into tag (application_id, name, description, updated_at) values (${applicationId}, 'news', '', now())`.execute(
      room.database.kysely,
    );
    await register(applicationId, 'd1');
    await register(applicationId, 'd1', 'other token');
    const seq = (await devices.findOwner(applicationId, 'd1'))!.seq;
    await subscriptions.add(applicationId, seq, ['news']);
    await subscriptions.remove(applicationId, seq, ['news', 'Push.ALL']);
    await subscriptions.add(applicationId, seq, ['news', 'Push.ALL']);
    // Reading is not a change that webhooks report.
    await devices.noteSeen((await devices.find(applicationId, 'd1'))!, new Date('2099-01-01'));
    await devices.retire([seq], 'gone', new Date('2099-01-01'));
    await devices.remove(applicationId, 'd1');
    const started = Date.now();
    await deliver(newSender());
    const events = listener.events();
    expect(events.slice(0, 3).map(({ type }) => type)).toEqual(['onDeviceRegister', 'onDeviceUpdate', 'onSubscribe']);
    expect(events.map(({ type }) => type).toSorted()).toEqual([
      'onDeviceRegister',
      'onDeviceUnregister',
      'onDeviceUpdate',
      'onSubscribe',
      'onSubscribe',
      'onSubscribe',
      'onUnsubscribe',
      'onUnsubscribe',
    ]);
    const device = { id: seq, deviceId: 'd1', applicationId, userId: 'anonymous', token: 't-d1', platform: 'G' };
    expect(events[0]).toEqual({
      type: 'onDeviceRegister',
      applicationId,
      entity: device,
      eventTimeStamp: expect.any(Number) as number,
    });
    expect(Math.abs(events[0]!.eventTimeStamp - started)).toBeLessThan(60_000);
    expect(events[1]?.entity).toEqual({ ...device, token: 'other token' });
    expect(events[2]?.entity).toEqual({
      device: { ...device, token: 'other token' },
      tagName: 'news',
      subscriptionId: expect.stringMatching(/^\d+$/) as string,
    });
    const { headers, body } = listener.received[0]!;
    const [, time, signature] = /^t=(\d+),v1=(\w+)$/.exec(String(headers['x-carillon-signature']))!;
    expect(signature).toBe(createHmac('sha256', 'hush').update(`${time}.${body}`).digest('hex'));
    expect(await waiting()).toBe(0);
  });

  it('get only the events they asked for, of their application', async () => {
    const [applicationId, other] = [await room.addApplication(), await room.addApplication()];
    const { listener, url } = await newListener();
    await add(applicationId, url, ['onDeviceUnregister']);
    for (const id of [applicationId, other]) {
      await register(id, 'd1');
      await devices.remove(id, 'd1');
    }
    await deliver(newSender());
    expect(listener.events().map(({ type, applicationId: of }) => [type, of])).toEqual([
      ['onDeviceUnregister', applicationId],
    ]);
  });

  it('a token that moves to another device id unregisters the earlier device', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url, ['onDeviceRegister', 'onDeviceUnregister']);
    await register(applicationId, 'd1', 'same');
    await register(applicationId, 'd2', 'same');
    await deliver(newSender());
    const told = listener.events().map(({ type, entity }) => [type, entity.deviceId]);
    expect(told.filter(([, deviceId]) => deviceId === 'd1')).toEqual([
      ['onDeviceRegister', 'd1'],
      ['onDeviceUnregister', 'd1'],
    ]);
    expect(told.filter(([, deviceId]) => deviceId !== 'd1')).toEqual([['onDeviceRegister', 'd2']]);
  });

  it('cost nothing without a webhook: a bulk import writes no row, and neither does a change that is rolled back', async () => {
    const [applicationId, other] = [await room.addApplication(), await room.addApplication()];
    await room.addDevices(applicationId, 20_000);
    expect(await waiting()).toBe(0);
    await add(other, 'https://hooks.example/');
    await room.database.kysely.transaction().execute(async (transaction) => {
      // A session keeps the plan of its first change, which is of one device mostly.
      await sql`update device set registered_at = now() where seq = (select max(seq) from device)`.execute(transaction);
      await sql`update device set registered_at = now() where application_id = ${applicationId}`.execute(transaction);
    });
    expect(await waiting()).toBe(0);
    await room.database.kysely
      .transaction()
      .execute(async (transaction) => {
        await sql`insert into device (application_id, device_id, platform, provider, token, token_hash, registered_at, updated_at)
          values (${other}, 'd', 'G', 'sandbox', 't', 't', now(), now())`.execute(transaction);
        throw new Error('taken back');
      })
      .catch(() => undefined);
    expect(await waiting()).toBe(0);
    await room.addDevices(other, 3);
    expect(await waiting()).toBe(3);
  });

  it('an event that fails is retried later, delays those of its device, and no other device or webhook', async () => {
    const [bad, good] = [await room.addApplication(), await room.addApplication()];
    const [failing, fine] = [await newListener(), await newListener()];
    await add(bad, failing.url);
    await add(good, fine.url);
    for (const id of ['d1', 'd2', 'd3']) for (const app of [bad, good]) await register(app, id);
    await register(bad, 'd2', 'second token');
    failing.listener.answer = (body) => (body.includes('"d2"') ? 500 : 200);
    const sender = newSender();
    const told = () => failing.listener.events().map(({ entity }) => `${entity.deviceId} ${entity.token}`);
    await deliver(sender);
    expect(fine.listener.received).toHaveLength(3);
    expect(told().toSorted()).toEqual(['d1 t-d1', 'd2 t-d2', 'd3 t-d3']);
    expect(await webhooks.list(bad)).toMatchObject([{ pending: 2, lastError: 'answered 500' }]);
    // Events of the meantime are sent, except those of the same device.
    await register(bad, 'd2', 'third token');
    await register(bad, 'd4');
    await dueNow();
    await deliver(sender);
    expect(told().slice(3)).toEqual(['d4 t-d4']);
    failing.listener.answer = () => 200;
    await retryNow();
    await dueNow();
    await deliver(sender);
    expect(told().slice(4)).toEqual(['d2 t-d2', 'd2 second token', 'd2 third token']);
    expect(await webhooks.list(bad)).toMatchObject([{ pending: 0, lastError: null }]);
  });

  it('an endpoint that fails gets one event at a time, and all events after it accepts that one', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url, ['onDeviceRegister']);
    await room.addDevices(applicationId, 200);
    listener.answer = () => 503;
    const sender = newSender();
    await deliver(sender);
    const first = listener.received.length;
    expect(first).toBeLessThan(32);
    for (const tries of [1, 2, 3]) {
      await dueNow();
      await deliver(sender);
      expect(listener.received).toHaveLength(first + tries);
    }
    const untried = await sql`select from webhook_event where tries = 0`.execute(room.database.kysely);
    expect(untried.rows.length).toBe(200 - first - 3);
    expect(await webhooks.list(applicationId)).toMatchObject([{ pending: 200, lastError: 'answered 503' }]);
    listener.answer = () => 200;
    await dueNow();
    await deliver(sender);
    // Failed events as well: their retry does not wait for its time.
    await deliver(sender);
    expect(await webhooks.list(applicationId)).toMatchObject([{ pending: 0, lastError: null }]);
    expect(new Set(listener.received.slice(first + 3).map(({ body }) => body)).size).toBe(200);
  });

  it('slow webhooks of one host leave a connection to another webhook there', async () => {
    const { listener, url } = await newListener();
    const answers: ((status: number) => void)[] = [];
    listener.answer = () => new Promise<number>((resolve) => answers.push(resolve));
    for (let index = 0; index < 4; index++) {
      const applicationId = await room.addApplication();
      await add(applicationId, url);
      await register(applicationId, 'd1');
    }
    const sender = newSender();
    sender.look();
    try {
      await expect.poll(() => answers.length, { timeout: 20_000 }).toBe(4);
    } finally {
      listener.answer = () => 200;
      for (const answer of answers) answer(200);
    }
    await sender.idle();
  });

  it('a slow webhook delays no other, whatever is sent to it meanwhile', async () => {
    const [late, prompt] = [await room.addApplication(), await room.addApplication()];
    const [slow, fast] = [await newListener(), await newListener()];
    await add(late, slow.url);
    await add(prompt, fast.url, ['onDeviceRegister']);
    let answer = (_status: number): void => undefined;
    slow.listener.answer = () => new Promise<number>((resolve) => (answer = resolve));
    await register(late, 'd1');
    await room.addDevices(prompt, 120);
    const sender = newSender();
    sender.look();
    await expect.poll(() => fast.listener.received.length, WAIT).toBe(120);
    await expect.poll(() => slow.listener.received.length, WAIT).toBe(1);
    await register(prompt, 'later');
    sender.look();
    await expect.poll(() => fast.listener.received.length, WAIT).toBe(121);
    answer(200);
    await sender.idle();
    expect(await waiting()).toBe(0);
  });

  it('a webhook that is changed while it fails starts again, at its new address', async () => {
    const applicationId = await room.addApplication();
    const [old, next] = [await newListener(), await newListener()];
    await add(applicationId, old.url);
    await register(applicationId, 'd1');
    old.listener.answer = async () => {
      await webhooks.change(applicationId, {
        name: 'w',
        url: next.url,
        eventTypes: [...EVENT_TYPES],
        labels: null,
        campaigns: null,
      });
      return 500;
    };
    await deliver(newSender());
    expect([old.listener.received.length, next.listener.received.length]).toEqual([1, 1]);
    expect(await webhooks.list(applicationId)).toMatchObject([{ pending: 0, lastError: null }]);
  });

  it('two processes deliver each event once, with those of a device in order', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url, ['onDeviceRegister', 'onDeviceUpdate']);
    await room.addDevices(applicationId, 1_200);
    await sql`update device set registered_at = registered_at + interval '1 minute' where application_id = ${applicationId}`.execute(
      room.database.kysely,
    );
    const [one, two] = [newSender(), newSender()];
    for (let round = 0; round < 2; round++) await Promise.all([deliver(one), deliver(two)]);
    const ids = listener.received.map(({ headers }) => Number(headers['x-carillon-event-id']));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(2_400);
    const typesOf: Record<string, string[]> = {};
    for (const { type, entity } of listener.events()) (typesOf[String(entity.deviceId)] ??= []).push(type);
    for (const types of Object.values(typesOf)) expect(types).toEqual(['onDeviceRegister', 'onDeviceUpdate']);
  });

  it('a webhook of a process that died is taken over after its lease has expired', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    await register(applicationId, 'd1');
    expect(await outbox.lease()).toMatchObject({ applicationId });
    const sender = newSender();
    await deliver(sender);
    expect(listener.received).toHaveLength(0);
    await sql`update webhook set lease_until = now() - interval '1 second'`.execute(room.database.kysely);
    await deliver(sender);
    expect(listener.received).toHaveLength(1);
  });

  it('a process killed during a lot loses no event: the next one sends the rest, in order for each device', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url, ['onDeviceRegister', 'onDeviceUpdate']);
    const names = Array.from({ length: 40 }, (_, index) => `d${index}`);
    for (const name of names) await register(applicationId, name);
    for (const name of names) await register(applicationId, name, `other token of ${name}`);
    // The first process has had answers to some events of its lot. It waits for the others, and so has recorded none of
    // them.
    let answered = 0;
    const hung: (() => void)[] = [];
    listener.answer = () => (++answered <= 13 ? 200 : new Promise((resolve) => hung.push(() => resolve(500))));
    newSender().look();
    await expect.poll(() => hung.length, WAIT).toBe(16);
    expect(await waiting()).toBe(80);

    const sent = listener.received.length;
    listener.answer = () => 200;
    const second = newSender();
    await deliver(second);
    // Its lease is still valid.
    expect(listener.received).toHaveLength(sent);
    await sql`update webhook set lease_until = now() - interval '1 second'`.execute(room.database.kysely);
    await deliver(second);
    expect(await waiting()).toBe(0);
    const typesOf = (name: string): string[] =>
      listener
        .events()
        .slice(sent)
        .filter(({ entity }) => entity.deviceId === name)
        .map(({ type }) => type);
    for (const name of names) expect(typesOf(name)).toEqual(['onDeviceRegister', 'onDeviceUpdate']);
    for (const answer of hung) answer();
  });

  it('sends events that were never tried, of any age', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    await room.addDevices(applicationId, 3);
    await sql`update webhook_event set created_at = now() - interval '25 hours'`.execute(room.database.kysely);
    await deliver(newSender());
    expect(listener.received).toHaveLength(3);
  });

  it('an event that failed 389 times is tried once more and then dropped, whatever the clock says, and other events pass', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    await register(applicationId, 'bad');
    listener.answer = (body) => (body.includes('"bad"') ? 500 : 200);
    const sender = newSender();
    await deliver(sender);
    // As after a step of the clock by 25 hours: in retry for a day by the clock, and tried twice.
    await sql`update webhook_event set created_at = now() - interval '25 hours', retry_at = now() - interval '25 hours'`.execute(
      room.database.kysely,
    );
    await dueNow();
    await deliver(sender);
    expect([listener.received.length, await waiting()]).toEqual([2, 1]);
    await sql`update webhook_event set tries = 389, retry_at = now()`.execute(room.database.kysely);
    await deliver(sender);
    expect([listener.received.length, await waiting()]).toEqual([3, 1]);
    await register(applicationId, 'good');
    await dueNow();
    await deliver(sender);
    expect(listener.events().at(-1)?.entity.deviceId).toBe('good');
    expect([listener.received.length, await waiting()]).toEqual([4, 0]);
  });

  it('an endpoint that failed 390 times since an event was written loses that event, and no newer one', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url, ['onDeviceRegister']);
    // More than one statement removes.
    await room.addDevices(applicationId, 1_001);
    listener.answer = () => 503;
    const sender = newSender();
    await deliver(sender);
    const failAgain = async (): Promise<void> => {
      await dueNow();
      await deliver(sender);
    };
    // 388 further failures in a row, with the newest event of then.
    await sql`update webhook set failures = 389, newest_at_failures = array_fill(newest_at_failures[1], array[389])`.execute(
      room.database.kysely,
    );
    for (const id of ['young1', 'young2', 'young3']) await register(applicationId, id);
    await failAgain();
    expect(await waiting()).toBe(1_004);
    await failAgain();
    expect(await waiting()).toBe(3);
    await failAgain();
    expect(await waiting()).toBe(3);
    const { rows } = await sql<{ count: number }>`select cardinality(newest_at_failures) as count from webhook`.execute(
      room.database.kysely,
    );
    expect(rows[0]?.count).toBe(390);
  });

  it('a clock that stepped back an hour delays no webhook, event or lease by the hour', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    await register(applicationId, 'd1');
    await register(applicationId, 'd2');
    await sql`update webhook set next_at = now() + interval '1 hour', lease_until = now() + interval '1 hour'`.execute(
      room.database.kysely,
    );
    await sql`update webhook_event set tries = 1, retry_at = now() + interval '1 hour' where body->'entity'->>'deviceId' = 'd1'`.execute(
      room.database.kysely,
    );
    await deliver(newSender());
    expect(listener.received).toHaveLength(2);
  });

  it('a process that stops drops only events that it had begun to drop', async () => {
    const applicationId = await room.addApplication();
    await add(applicationId, 'https://hooks.example/');
    await room.addDevices(applicationId, 1_001);
    await sql`update webhook_event set tries = 390, retry_at = now()`.execute(room.database.kysely);
    class Stopping extends WebhookEventRepository {
      override async giveUp(webhookId: number): Promise<number> {
        open.push({ close: () => stopped });
        const stopped = sender.beforeApplicationShutdown();
        return super.giveUp(webhookId);
      }
    }
    const sender: WebhookSender = new WebhookSender(newClient(), new Stopping(room.database, vault, KEPT), new Clock());
    await deliver(sender);
    expect(await waiting()).toBe(1);
  });

  const EVER: Replay = { from: new Date('2026-01-01'), to: new Date('2100-01-01'), types: EVENT_TYPES };
  const idsOf = (listener: Listener) => listener.received.map(({ headers }) => headers['x-carillon-event-id']);
  const endedEvents = async (): Promise<number> => {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from webhook_event_ended`.execute(room.database.kysely);
    return rows[0]?.count ?? -1;
  };

  it('a replay sends ended events again, with their ids and bytes, in their order, once', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    for (const token of ['one', 'two']) await register(applicationId, 'own', token);
    await room.addDevices(applicationId, 5_100);
    await deliver(newSender());
    const first = new Map(listener.received.map(({ headers, body }) => [headers['x-carillon-event-id'], body]));
    expect(first.size).toBe(5_102);
    const ownOf = () => listener.received.filter(({ body }) => body.includes('"own"')).map(({ body }) => body);
    const own = ownOf();
    listener.received.length = 0;
    expect(await ended.replay(ITSELF, applicationId, 'w', EVER)).toBe(5_102);
    expect(await endedEvents()).toBe(0);
    await deliver(newSender());
    expect(new Set(idsOf(listener))).toEqual(new Set(first.keys()));
    expect(listener.received).toHaveLength(5_102);
    for (const { headers, body } of listener.received) expect(body).toBe(first.get(headers['x-carillon-event-id']));
    expect(ownOf()).toEqual(own);
    expect(own).toHaveLength(2);
    expect(await endedEvents()).toBe(5_102);
  });

  it('a replay takes the given period and types, of that webhook, and given-up events', async () => {
    const applicationId = await room.addApplication();
    const [mine, other] = [await newListener(), await newListener()];
    await add(applicationId, mine.url);
    await add(applicationId, other.url, [...EVENT_TYPES], 'other');
    await register(applicationId, 'd1');
    await devices.remove(applicationId, 'd1');
    mine.listener.answer = () => 500;
    await deliver(newSender());
    await sql`update webhook_event set tries = 390`.execute(room.database.kysely);
    await dueNow();
    await deliver(newSender());
    expect(await waiting()).toBe(0);
    mine.listener.answer = () => 200;
    mine.listener.received.length = 0;
    const replay = (part: Partial<Replay>) => ended.replay(ITSELF, applicationId, 'w', { ...EVER, ...part });
    expect(await replay({ to: new Date('2026-01-02') })).toBe(0);
    expect(await replay({ from: new Date('2099-01-01') })).toBe(0);
    expect(await replay({ types: ['onDeviceUnregister'] })).toBe(1);
    expect(await ended.replay(ITSELF, applicationId, 'unknown', EVER)).toBeUndefined();
    await deliver(newSender());
    expect(mine.listener.events().map(({ type }) => type)).toEqual(['onDeviceUnregister']);
    expect(await replay({ types: ['onDeviceRegister'] })).toBe(1);
    await deliver(newSender());
    expect(mine.listener.events().map(({ type }) => type)).toEqual(['onDeviceUnregister', 'onDeviceRegister']);
    expect(other.listener.received).toHaveLength(2);
  });

  it('events are kept for the configured days, and removed by their age', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    await register(applicationId, 'd1');
    const forgetful = new WebhookEventRepository(room.database, vault, {
      retention: { ...RETENTION, webhookEventDays: 0 },
    });
    const sender = new WebhookSender(newClient(), forgetful, new Clock());
    open.push({ close: () => sender.beforeApplicationShutdown() });
    await deliver(sender);
    expect([listener.received.length, await waiting(), await endedEvents()]).toEqual([1, 0, 0]);
    await register(applicationId, 'd2');
    await deliver(newSender());
    expect(await endedEvents()).toBe(1);
    const tidyAt = (ms: number) => {
      class At extends Clock {
        override now = () => ms;
      }
      const guard = new RemovalGuard(KEPT, new RemovalRepository(room.database), new At());
      return new WebhookHousekeeper(KEPT, ended, guard).tidy();
    };
    const now = Date.now();
    await sql`update housekeeping set looked_at = ${new Date(now)}, settled_at = '2026-01-01'`.execute(
      room.database.kysely,
    );
    await tidyAt(now);
    expect(await endedEvents()).toBe(1);
    await sql`update webhook_event_ended set created_at = now() - interval '73 hours'`.execute(room.database.kysely);
    await tidyAt(now);
    expect(await endedEvents()).toBe(0);
  });

  it('keep the newest fifty tries, newest first, without a word of the event', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    listener.answer = () => 503;
    await register(applicationId, 'secret-device');
    await deliver(newSender());
    const [failed] = (await webhooks.attempts(applicationId, 'w')) ?? [];
    expect(failed).toMatchObject({ eventType: 'onDeviceRegister', tries: 1, error: 'answered 503' });
    expect(failed?.eventId).toBe(listener.received[0]?.headers['x-carillon-event-id']);
    listener.answer = () => 200;
    await webhooks.retryNow(applicationId, 'w');
    await room.addDevices(applicationId, 60);
    await deliver(newSender());
    expect(listener.received).toHaveLength(62);
    const attempts = (await webhooks.attempts(applicationId, 'w')) ?? [];
    expect(attempts).toHaveLength(50);
    const times = attempts.map(({ time }) => time);
    expect(times).toEqual(times.toSorted().toReversed());
    expect(attempts.every(({ error }) => error === undefined)).toBe(true);
    expect(JSON.stringify([failed, attempts])).not.toContain('secret-device');
    expect(await webhooks.attempts(applicationId, 'none')).toBeUndefined();
  });

  it('waiting events are tried at once when asked, also behind an endpoint that fails', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    listener.answer = () => 500;
    await room.addDevices(applicationId, 5);
    await deliver(newSender());
    const tried = listener.received.length;
    await deliver(newSender());
    expect(listener.received).toHaveLength(tried);
    listener.answer = () => 200;
    expect(await webhooks.retryNow(applicationId, 'w')).toBe(true);
    await deliver(newSender());
    expect(await waiting()).toBe(0);
    expect(await webhooks.retryNow(applicationId, 'none')).toBe(false);
  });

  it('one webhook is leased at a time, by whatever plan of the database', async () => {
    const applicationId = await room.addApplication();
    const { url } = await newListener();
    await add(applicationId, url);
    await add(applicationId, url, undefined, 'other');
    await register(applicationId, 'd1');
    await inTransaction(room.database, async (transaction) => {
      await sql`analyze webhook`.execute(transaction);
      for (const way of ['hashjoin', 'hashagg', 'mergejoin', 'material', 'sort', 'indexscan', 'bitmapscan'])
        await sql`set local ${sql.ref(`enable_${way}`)} = off`.execute(transaction);
      const within = { ...room.database, kysely: transaction } as unknown as typeof room.database;
      await new WebhookEventRepository(within, vault, KEPT).lease();
      const { rows } = await sql`select from webhook where lease_until is not null`.execute(transaction);
      expect(rows).toHaveLength(1);
      await sql`update webhook set lease_until = null`.execute(transaction);
    });
  });

  it('call no private address, by number or by name, and follow no redirect', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    await add(applicationId, 'https://localhost:1/', undefined, 'named');
    await register(applicationId, 'd1');
    await deliver(newSender(false));
    expect(listener.received).toEqual([]);
    expect(await webhooks.list(applicationId)).toMatchObject([
      { name: 'named', lastError: expect.stringContaining('public address') as string, pending: 1 },
      { name: 'w', lastError: expect.stringContaining('https') as string, pending: 1 },
    ]);
    listener.answer = () => 302;
    await dueNow();
    await retryNow();
    await deliver(newSender());
    expect(listener.received).toHaveLength(1);
    expect((await webhooks.list(applicationId, 'w'))[0]).toMatchObject({ lastError: 'answered 302', pending: 1 });
  });

  it('a rotated secret signs beside the old one for the overlap, or until the overlap is ended', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    const rotate = (secret: string, overlapS: number) =>
      webhooks.rotateSecret({ clientId: 'me', address: '192.0.2.1' }, applicationId, 'w', secret, overlapS);
    /** The secrets with which a receiver could verify the next event. */
    const signers = async (): Promise<string[]> => {
      await register(applicationId, 'd1');
      await deliver(newSender());
      const { headers, body } = listener.received.at(-1)!;
      const [time, ...signatures] = String(headers['x-carillon-signature']).split(',');
      const expected = (secret: string): string =>
        `v1=${createHmac('sha256', secret)
          .update(`${time?.slice('t='.length)}.${body}`)
          .digest('hex')}`;
      const known = ['hush', 'second', 'third'];
      return signatures.map((signature) => known.find((secret) => expected(secret) === signature) ?? 'unknown');
    };
    expect(await rotate('second', 60)).toMatchObject({ name: 'w', secretBeforeUntil: expect.any(Date) as Date });
    expect(await signers()).toEqual(['second', 'hush']);
    expect(await rotate('third', 60)).toBe('overlap');
    expect(await signers()).toEqual(['second', 'hush']);
    await sql`update webhook set secret_before_until = now() - interval '1 second'`.execute(room.database.kysely);
    expect(await signers()).toEqual(['second']);
    const kept = await sql`select from webhook where secret_before is not null`.execute(room.database.kysely);
    expect(kept.rows).toEqual([]);
    await rotate('third', 60);
    expect(await signers()).toEqual(['third', 'second']);
    await webhooks.endSecretBefore({ clientId: 'me', address: '192.0.2.1' }, applicationId, 'w');
    expect(await signers()).toEqual(['third']);
    await rotate('second', 60);
    expect(await rotate('hush', 0)).toMatchObject({ secretBeforeUntil: null });
    expect(await signers()).toEqual(['hush']);
    expect(await webhooks.rotateSecret({ clientId: 'me', address: '' }, applicationId, 'none', 'x', 0)).toBe('none');
    const { rows } = await sql<{ detail: unknown }>`
      select detail from audit_event where action = 'webhook.secret' and subject = ${applicationId} order by id`.execute(
      room.database.kysely,
    );
    expect(rows.map(({ detail }) => detail)).toEqual([
      { webhook: 'w', overlapSeconds: 60 },
      { webhook: 'w', overlapSeconds: 60 },
      { webhook: 'w', secretBefore: 'ended' },
      { webhook: 'w', overlapSeconds: 60 },
      { webhook: 'w', overlapSeconds: 0 },
    ]);
  });

  it('encrypt their secret, are limited in number, and are removed with their application', async () => {
    const applicationId = await room.addApplication();
    expect(await add(applicationId, 'https://hooks.example/')).toBe('added');
    expect(await add(applicationId, 'https://hooks.example/')).toBe('taken');
    const { rows } = await sql<{ secret: Buffer }>`select secret from webhook`.execute(room.database.kysely);
    expect(rows[0]?.secret.includes('hush')).toBe(false);
    const results = await Promise.all(
      Array.from({ length: 25 }, (_, index) => add(applicationId, 'https://hooks.example/', undefined, `w${index}`)),
    );
    expect(results.filter((result) => result === 'added')).toHaveLength(19);
    await register(applicationId, 'd1');
    expect(await waiting()).toBe(20);
    await new ApplicationRepository(room.database).markRemoved(applicationId, new Date());
    expect([await waiting(), await webhooks.list(applicationId)]).toEqual([0, []]);
  });
});
