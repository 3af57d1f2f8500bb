import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationRepository } from '../../../src/applications/application.repository.js';
import { Clock } from '../../../src/common/clock.js';
import { Vault } from '../../../src/common/vault.js';
import { DeviceRegistrationRepository } from '../../../src/devices/device-registration.repository.js';
import { DeviceRepository } from '../../../src/devices/device.repository.js';
import { SubscriptionRepository } from '../../../src/devices/subscription.repository.js';
import { WebhookEventRepository } from '../../../src/webhooks/webhook-event.repository.js';
import { WebhookRepository } from '../../../src/webhooks/webhook.repository.js';
import { WebhookSender } from '../../../src/webhooks/webhook-sender.js';
import { EVENT_TYPES } from '../../../src/webhooks/webhook.js';
import type { EventType } from '../../../src/webhooks/webhook.js';
import { PLACES } from '../database/places.js';
import { Room } from '../delivery/room.js';

interface Event {
  type: string;
  applicationId: string;
  eventTimeStamp: number;
  entity: Record<string, unknown>;
}

const WAIT = { timeout: 20_000 };

/** A customer's server: keeps what it is sent and answers as told. */
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

describe.each(PLACES)('webhooks on the %s database', (place) => {
  let room: Room;
  let webhooks: WebhookRepository;
  let outbox: WebhookEventRepository;
  let devices: DeviceRepository;
  let registrationsOf: DeviceRegistrationRepository;
  let subscriptions: SubscriptionRepository;
  const vault = new Vault(Buffer.alloc(32));
  const open: { close(): void | Promise<void> }[] = [];
  beforeAll(async () => {
    room = await Room.open(place);
    webhooks = new WebhookRepository(room.database, vault);
    outbox = new WebhookEventRepository(room.database, vault);
    devices = new DeviceRepository(room.database);
    registrationsOf = new DeviceRegistrationRepository(room.database);
    subscriptions = new SubscriptionRepository(room.database);
  });
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
    await sql`delete from webhook`.execute(room.database.kysely);
  });
  afterAll(() => room.remove());

  let registrations = 0;
  /** Each at a moment of its own. */
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
    webhooks.add(applicationId, { name, url, eventTypes }, 'hush');
  const newSender = (allowPrivate = true): WebhookSender => {
    const sender = new WebhookSender({ webhooks: { allowPrivate } }, outbox, new Clock());
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
  const dueNow = () => sql`update webhook set next_at = now()`.execute(room.database.kysely);

  it('tell of devices and subscriptions, in order, with a signature', async () => {
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
    // Neither is a change that a webhook is told of.
    await devices.noteSeen(applicationId, 'd1', new Date('2099-01-01'));
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

  it('are told only what they asked for, of their own application', async () => {
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

  it('a token that moves to another device id unregisters the one that had it', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url, ['onDeviceRegister', 'onDeviceUnregister']);
    await register(applicationId, 'd1', 'same');
    await register(applicationId, 'd2', 'same');
    await deliver(newSender());
    expect(listener.events().map(({ type, entity }) => [type, entity.deviceId])).toEqual([
      ['onDeviceRegister', 'd1'],
      ['onDeviceUnregister', 'd1'],
      ['onDeviceRegister', 'd2'],
    ]);
  });

  it('cost nothing where there are none: a bulk import writes no row; a change that is taken back writes none either', async () => {
    const [applicationId, other] = [await room.addApplication(), await room.addApplication()];
    await room.addDevices(applicationId, 10_000);
    expect(await waiting()).toBe(0);
    await add(other, 'https://hooks.example/');
    await sql`update device set registered_at = now() where application_id = ${applicationId}`.execute(
      room.database.kysely,
    );
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

  it('are tried again later, and keep the order; one that fails holds up no other', async () => {
    const [bad, good] = [await room.addApplication(), await room.addApplication()];
    const [failing, fine] = [await newListener(), await newListener()];
    await add(bad, failing.url);
    await add(good, fine.url);
    for (const id of ['d1', 'd2', 'd3']) for (const app of [bad, good]) await register(app, id);
    failing.listener.answer = (body) => (body.includes('d2') ? 500 : 200);
    const sender = newSender();
    await deliver(sender);
    expect(fine.listener.received).toHaveLength(3);
    expect(failing.listener.events().map(({ entity }) => entity.deviceId)).toEqual(['d1', 'd2']);
    expect(await webhooks.list(bad)).toMatchObject([{ pending: 2, lastError: 'answered 500' }]);
    await deliver(sender);
    expect(failing.listener.received).toHaveLength(2);
    failing.listener.answer = () => 200;
    await dueNow();
    await deliver(sender);
    expect(failing.listener.events().map(({ entity }) => entity.deviceId)).toEqual(['d1', 'd2', 'd2', 'd3']);
    expect(await webhooks.list(bad)).toMatchObject([{ pending: 0, lastError: null }]);
  });

  it('what was delivered ends a row of failures', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    for (const id of ['d1', 'd2']) await register(applicationId, id);
    await sql`update webhook set failures = 7`.execute(room.database.kysely);
    listener.answer = (body) => (body.includes('d2') ? 500 : 200);
    const failures = async (): Promise<unknown> => {
      await dueNow();
      await deliver(newSender());
      const { rows } = await sql<{ failures: number }>`select failures from webhook`.execute(room.database.kysely);
      return rows[0]?.failures;
    };
    expect([await failures(), await failures()]).toEqual([1, 2]);
    listener.answer = () => 200;
    expect(await failures()).toBe(0);
  });

  it('those that answer late at one host leave a connection to another there', async () => {
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
      await expect.poll(() => answers.length, { timeout: 10_000 }).toBe(4);
    } finally {
      listener.answer = () => 200;
      for (const answer of answers) answer(200);
    }
    await sender.idle();
  });

  it('one that answers late holds up no other, however much these are sent meanwhile', async () => {
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

  it('one that is changed while it fails begins anew, at its new address', async () => {
    const applicationId = await room.addApplication();
    const [old, next] = [await newListener(), await newListener()];
    await add(applicationId, old.url);
    await register(applicationId, 'd1');
    old.listener.answer = async () => {
      await webhooks.change(applicationId, { name: 'w', url: next.url, eventTypes: [...EVENT_TYPES] });
      return 500;
    };
    await deliver(newSender());
    expect([old.listener.received.length, next.listener.received.length]).toEqual([1, 1]);
    expect(await webhooks.list(applicationId)).toMatchObject([{ pending: 0, lastError: null }]);
  });

  it('two processes deliver each event once, in order', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url, ['onDeviceRegister']);
    await room.addDevices(applicationId, 120);
    const [one, two] = [newSender(), newSender()];
    await Promise.all([deliver(one), deliver(two)]);
    await Promise.all([deliver(one), deliver(two)]);
    const ids = listener.received.map(({ headers }) => Number(headers['x-carillon-event-id']));
    expect(ids).toHaveLength(120);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  it('a process that died leaves its webhook to another when the lease has ended', async () => {
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

  it('events are given up after a day', async () => {
    const applicationId = await room.addApplication();
    const { listener, url } = await newListener();
    await add(applicationId, url);
    // More than one statement gives up.
    await room.addDevices(applicationId, 1_001);
    await sql`update webhook_event set created_at = now() - interval '25 hours'`.execute(room.database.kysely);
    await register(applicationId, 'late');
    await deliver(newSender());
    expect(listener.events().map(({ entity }) => entity.deviceId)).toEqual(['late']);
    expect(await waiting()).toBe(0);
  });

  it('a process that stops gives up no more than it has begun to', async () => {
    const applicationId = await room.addApplication();
    await add(applicationId, 'https://hooks.example/');
    await room.addDevices(applicationId, 1_001);
    await sql`update webhook_event set created_at = now() - interval '25 hours'`.execute(room.database.kysely);
    class Stopping extends WebhookEventRepository {
      override async giveUp(webhookId: number): Promise<number> {
        open.push({ close: () => stopped });
        const stopped = sender.beforeApplicationShutdown();
        return super.giveUp(webhookId);
      }
    }
    const sender: WebhookSender = new WebhookSender(
      { webhooks: { allowPrivate: true } },
      new Stopping(room.database, vault),
      new Clock(),
    );
    await deliver(sender);
    expect(await waiting()).toBe(1);
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
    await deliver(newSender());
    expect(listener.received).toHaveLength(1);
    expect((await webhooks.list(applicationId, 'w'))[0]).toMatchObject({ lastError: 'answered 302', pending: 1 });
  });

  it('keep their secret sealed, are bounded in number, and go with their application', async () => {
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
