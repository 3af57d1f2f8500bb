import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { Webhook as Verifier } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ITSELF } from '../../../src/auth/audit.repository.js';
import { verify as ofClient } from '../../../src/client/webhooks.js';
import { Clock } from '../../../src/common/clock.js';
import { Vault } from '../../../src/common/vault.js';
import { EventRepository } from '../../../src/events/event.repository.js';
import { EVENT_NAMES } from '../../../src/events/event-types.js';
import { WebhookClient } from '../../../src/webhooks/webhook-client.js';
import { WebhookEventRepository } from '../../../src/webhooks/webhook-event.repository.js';
import { WebhookReplayRepository } from '../../../src/webhooks/webhook-replay.repository.js';
import { WebhookRepository } from '../../../src/webhooks/webhook.repository.js';
import type { Webhook } from '../../../src/webhooks/webhook.repository.js';
import { WebhookSender } from '../../../src/webhooks/webhook-sender.js';
import { Room, batchOf, recordAll } from '../delivery/room.js';

/** Events of Carillon's own types at webhooks. */

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
  event: { type: string; id: string; timestamp: string; data: { messageId?: string; count?: number } };
  /** The answer. */
  status: number;
}

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const NEWER = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
const FROM_BEFORE = Buffer.alloc(32, 9).toString('base64url');

describe('events at webhooks', () => {
  let room: Room;
  let webhooks: WebhookRepository;
  let outbox: WebhookEventRepository;
  let ended: WebhookReplayRepository;
  let events: EventRepository;
  let url: string;
  let sender: WebhookSender;
  let answer: (request: Received) => { status: number; headers?: Record<string, string> };
  const received: Received[] = [];
  const vault = new Vault(Buffer.alloc(32));
  const client = new WebhookClient({ webhooks: { allowPrivate: true } }, new Clock());
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const got = { headers: request.headers, body, event: JSON.parse(body) as Received['event'], status: 0 };
      const { status, headers } = answer(got);
      received.push(Object.assign(got, { status }));
      response.writeHead(status, headers).end('a text of the endpoint');
    });
  });

  beforeAll(async () => {
    room = await Room.open();
    webhooks = new WebhookRepository(room.database, vault);
    outbox = new WebhookEventRepository(room.database, vault, { retention: { webhookEventDays: 7 } } as never);
    ended = new WebhookReplayRepository(room.database);
    events = new EventRepository(room.database);
    sender = new WebhookSender(client, outbox, new Clock());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  });
  afterEach(async () => {
    received.length = 0;
    answer = () => ({ status: 200 });
    await sql`delete from webhook`.execute(room.database.kysely);
  });
  afterAll(async () => {
    await sender.beforeApplicationShutdown();
    await client.onApplicationShutdown();
    server.closeAllConnections();
    server.close();
    await room.remove();
  });
  answer = () => ({ status: 200 });

  const hook = (change: Partial<Webhook> = {}): Webhook => {
    return { name: 'w', url, eventTypes: [...EVENT_NAMES], labels: null, campaigns: null, ...change };
  };
  const add = async (change: Partial<Webhook> = {}, secret = SECRET): Promise<string> => {
    const applicationId = await room.addApplication();
    await webhooks.add(applicationId, hook(change), secret);
    return applicationId;
  };
  /** Sends everything that is due, and what waits for a retry. */
  const deliver = async (): Promise<void> => {
    while ((await events.place()) > 0);
    await sql`update webhook set next_at = now()`.execute(room.database.kysely);
    await sql`update webhook_event set retry_at = now() where tries > 0`.execute(room.database.kysely);
    sender.look();
    await sender.idle();
  };
  const waiting = async (): Promise<number> => {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from webhook_event`.execute(
      room.database.kysely,
    );
    return rows[0]!.n;
  };
  /** A message whose deliveries are accepted, but for the last, which is rejected. */
  const sendAll = async (applicationId: string, size: number, label: string | null = null): Promise<string> => {
    const message = await room.accept(applicationId, [batchOf(size)], { label: label ?? undefined });
    const batch = await room.claim(message.batchIds[0]!);
    const last = batch.due.pop()!;
    recordAll(batch, 'accepted');
    batch.ledger.record(last, { outcome: 3, reason: 'gone' }, true);
    await room.batches.finish(batch, { state: 'done', waitMs: null });
    return message.id;
  };
  const verify = ({ body, headers }: Received, secret: string, format?: 'raw'): unknown =>
    new Verifier(secret, format && { format }).verify(body, headers as Record<string, string>);

  it('verify with the library of Standard Webhooks, byte for byte the bodies of the feed', async () => {
    const applicationId = await add();
    await sendAll(applicationId, 3, 'é😀\u2028</script>');
    await deliver();
    expect(received.map(({ event }) => event.type)).toEqual([
      'message.accepted',
      'message.started',
      'delivery.accepted',
      'delivery.rejected',
      'message.finished',
    ]);
    for (const each of received) {
      expect(verify(each, SECRET)).toEqual(each.event);
      expect(await ofClient(each.body, each.headers, [NEWER, SECRET])).toEqual(each.event);
      expect(() => verify({ ...each, body: each.body.replace('}', ' }') }, SECRET)).toThrow(
        'No matching signature found',
      );
      expect(each.headers['webhook-id']).toBe(each.event.id);
      expect(Number(each.headers['content-length'])).toBe(Buffer.byteLength(each.body));
    }
    const feed = await events.read(applicationId, null, null, 100);
    expect(received.map(({ body }) => body)).toEqual(feed.events.map(({ body }) => body));
  });

  it('are signed with both secrets of a rotation, and with a secret from before Standard Webhooks', async () => {
    const applicationId = await add({}, FROM_BEFORE);
    await webhooks.rotateSecret(ITSELF, applicationId, 'w', NEWER, 3_600);
    await sendAll(applicationId, 2);
    await deliver();
    for (const each of received) {
      expect(verify(each, NEWER)).toEqual(each.event);
      expect(verify(each, FROM_BEFORE, 'raw')).toEqual(each.event);
      expect(verify(each, `whsec_${Buffer.from(FROM_BEFORE).toString('base64')}`)).toEqual(each.event);
      expect(() => verify(each, SECRET)).toThrow('No matching signature found');
    }
    expect(received).toHaveLength(5);
  });

  it('come in order within a message; a failed one holds up no other message', async () => {
    const applicationId = await add();
    let asked = 0;
    answer = () => ({ status: ++asked % 10 === 0 ? 500 : 200 });
    const ids = [];
    for (let message = 0; message < 30; message++) ids.push(await sendAll(applicationId, 4));
    await deliver();
    const finishedAtOnce = received.filter(({ event, status }) => event.type === 'message.finished' && status === 200);
    expect(finishedAtOnce.length).toBeGreaterThan(10);
    for (let round = 0; (await waiting()) > 0 && round < 50; round++) await deliver();
    for (const id of ids) {
      const own = received.filter(({ event, status }) => event.data.messageId === id && status === 200);
      expect(own.map(({ event }) => [event.type, event.data.count])).toEqual([
        ['message.accepted', undefined],
        ['message.started', undefined],
        ['delivery.accepted', 3],
        ['delivery.rejected', 1],
        ['message.finished', undefined],
      ]);
    }
    const bodies = new Map<string, string>();
    for (const { event, body } of received)
      expect(bodies.get(event.id) ?? body).toBe(bodies.set(event.id, body).get(event.id));
  });

  it('of other labels and campaigns stay out', async () => {
    const applicationId = await add({ labels: ['wanted'] });
    const other = await sendAll(applicationId, 2, 'other');
    const wanted = await sendAll(applicationId, 2, 'wanted');
    await deliver();
    expect(new Set(received.map(({ event }) => event.data.messageId))).toEqual(new Set([wanted]));
    expect(other).not.toBe(wanted);
  });

  it('410 disables a webhook, with time and reason; a replay brings what happened meanwhile, with its ids', async () => {
    const applicationId = await add();
    answer = () => ({ status: 410 });
    const before = await sendAll(applicationId, 2);
    await deliver();
    expect(await webhooks.list(applicationId)).toMatchObject([
      { disabledAt: expect.any(Date) as Date, disabledReason: 'answered 410' },
    ]);
    const tried = received.length;
    const meanwhile = await sendAll(applicationId, 2);
    await deliver();
    await deliver();
    expect([received.length, await waiting()]).toEqual([tried, 0]);
    answer = () => ({ status: 200 });
    const period = { from: new Date(0), to: new Date(Date.now() + 60_000), types: EVENT_NAMES };
    expect(await ended.replay(ITSELF, applicationId, 'w', period)).toBe(10);
    await deliver();
    expect(await webhooks.list(applicationId)).toMatchObject([{ disabledAt: null, lastError: null, pending: 0 }]);
    const feed = await events.read(applicationId, null, null, 100);
    expect(
      received
        .slice(tried)
        .map(({ body }) => body)
        .toSorted(),
    ).toEqual(feed.events.map(({ body }) => body).toSorted());
    for (const id of [before, meanwhile])
      expect(received.slice(tried).filter(({ event }) => event.data.messageId === id)).toHaveLength(5);
  });

  it('a wait that the endpoint asks for is kept', async () => {
    const applicationId = await add();
    answer = () => ({ status: 429, headers: { 'retry-after': '120' } });
    await sendAll(applicationId, 2);
    await deliver();
    const { rows } = await sql<{ s: number }>`
      select extract(epoch from next_at - now())::float8 as s from webhook
      where application_id = ${applicationId}`.execute(room.database.kysely);
    expect(rows[0]!.s).toBeGreaterThan(100);
    expect(received).toHaveLength(1);
  });

  it('a process whose lease was given to another writes nothing', async () => {
    const applicationId = await add();
    await sendAll(applicationId, 2);
    while ((await events.place()) > 0);
    const stopped = (await outbox.lease())!;
    await sql`update webhook set lease_until = now() - interval '1 second'`.execute(room.database.kysely);
    const other = (await outbox.lease())!;
    expect([await outbox.renew(stopped), await outbox.renew(other)]).toEqual([false, true]);
    const lot = { delivered: [], failed: [], error: 'late', isFailing: true, waitMs: 0, isGone: true };
    await outbox.release(stopped, { ...lot, failed: [{ id: 0, subject: null, tries: 1, waitMs: 1 }] });
    expect(await outbox.renew(other)).toBe(true);
    expect(await webhooks.list(applicationId)).toMatchObject([{ lastError: null, disabledAt: null }]);
  });

  it('a webhook made anew under the same name has none of the events before', async () => {
    const applicationId = await add();
    await sendAll(applicationId, 2);
    await webhooks.remove(applicationId, 'w');
    await webhooks.add(applicationId, hook(), SECRET);
    await deliver();
    expect(received).toEqual([]);
  });
});
