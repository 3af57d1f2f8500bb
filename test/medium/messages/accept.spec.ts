import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJson, writeJson } from '../../../src/common/json.js';
import { DeliveryQueue } from '../../../src/delivery/delivery.queue.js';
import { ValuesRepository } from '../../../src/delivery/deliver/values.repository.js';
import { AcceptanceService } from '../../../src/messages/send/acceptance.service.js';
import { MessageInsertRepository } from '../../../src/messages/send/message-insert.repository.js';
import { MessageWriter } from '../../../src/messages/send/message-writer.js';
import { newMessageId } from '../../../src/messages/send/message-id.js';
import type { Acceptable } from '../../../src/messages/send/new-message.js';
import { Queues } from '../../../src/queue/queue.js';
import { Room, batchOf } from '../delivery/room.js';

describe('accepting', () => {
  let room: Room;
  let queues: Queues;
  let writer: MessageWriter;
  beforeAll(async () => {
    room = await Room.open();
    queues = await Queues.open({}, room.database, () => undefined);
    writer = new MessageWriter(room.acceptance, new DeliveryQueue(queues));
  });
  afterAll(async () => {
    await queues.close();
    await room.remove();
  });

  function messageOf(applicationId: string, change: Partial<Acceptable['message']> = {}, size = 1): Acceptable {
    const now = Date.now();
    return {
      message: {
        applicationId,
        id: newMessageId(),
        clientId: 'test',
        body: { message: { alert: 'hi' } },
        notification: { alert: 'hi', collapseId: 'x' },
        target: {},
        urgent: true,
        onUnknown: 'resend',
        idempotency: null,
        acceptedAt: new Date(now),
        expiresAt: new Date(now + 60_000),
        ...change,
      },
      batches: [batchOf(size)],
    };
  }
  const countOf = async (applicationId: string) =>
    (
      await sql<{
        count: number;
      }>`select count(*)::int as count from message where application_id = ${applicationId}`.execute(
        room.database.kysely,
      )
    ).rows[0]?.count;

  it('stores messages that come together in one statement, each with its batches', async () => {
    const applicationId = await room.addApplication();
    const list = Array.from({ length: 50 }, (_, index) => messageOf(applicationId, {}, 1 + (index % 3)));
    expect(await Promise.all(list.map((each) => writer.keep(each)))).toEqual(list.map(() => true));
    expect(await countOf(applicationId)).toBe(50);
    for (const { message, batches } of list.slice(0, 5)) {
      const report = await room.reports.find(applicationId, message.id, Date.now());
      expect([report?.state, report?.audience]).toEqual(['sending', batches?.[0]?.deviceSeqs.length]);
    }
  });

  it('if two draw one id at the same moment, one is stored with its batch', async () => {
    const applicationId = await room.addApplication();
    const first = messageOf(applicationId, {}, 1);
    const second = messageOf(applicationId, { id: first.message.id }, 2);
    expect(await Promise.all([writer.keep(first), writer.keep(second)])).toEqual([true, false]);
    const report = await room.reports.find(applicationId, first.message.id, Date.now());
    expect(report?.audience).toBe(1);
    expect(Object.values(report?.providers ?? {}).map(({ pending }) => pending)).toEqual([1]);
  });

  it('returns numbers that do not fit a double unchanged', async () => {
    const applicationId = await room.addApplication();
    const text = '{"chatId":1147483645123456789,"huge":1e400,"list":[{"small":1e-400}],"plain":7}';
    const payload = readJson(text) as Record<string, unknown>;
    const notification = { alert: 'hi', collapseId: 'x', apns: { payload } };
    const kept = messageOf(applicationId, { body: { message: { alert: 'hi' }, custom: payload }, notification });
    expect(await writer.keep(kept)).toBe(true);
    const original = await room.messages.findOriginal(applicationId, kept.message.id);
    expect(original?.notification).toEqual(notification);
    expect(writeJson(original?.body.custom)).toHaveLength(text.length);
    expect(readJson(writeJson(original?.body.custom))).toEqual(payload);
  });

  it('a message that the database refuses does not affect the others', async () => {
    const applicationId = await room.addApplication();
    const list = Array.from({ length: 10 }, () => messageOf(applicationId));
    list[4] = messageOf('com.acme.gone');
    const results = await Promise.allSettled(list.map((each) => writer.keep(each)));
    expect(results.map(({ status }) => status)).toEqual(
      list.map((_, index) => (index === 4 ? 'rejected' : 'fulfilled')),
    );
    expect((results[4] as PromiseRejectedResult).reason).toMatchObject({ code: 'FPWSE0001E' });
    expect(await countOf(applicationId)).toBe(9);
    await expect(writer.keepAll([messageOf('com.acme.gone')])).rejects.toMatchObject({ code: 'FPWSE0001E' });
  });

  it('a deadlock loses none of them: each is tried alone', async () => {
    const applicationId = await room.addApplication();
    await sql`create function collide() returns trigger language plpgsql as $$ begin
      if (select count(*) from added) > 1 then raise 'deadlock detected' using errcode = '40P01'; end if; return null;
      end $$`.execute(room.database.kysely);
    await sql`create trigger collide after insert on message referencing new table as added
      for each statement execute function collide()`.execute(room.database.kysely);
    try {
      const list = Array.from({ length: 5 }, () => messageOf(applicationId));
      expect(await Promise.all(list.map((each) => writer.keep(each)))).toEqual(list.map(() => true));
    } finally {
      await sql`drop function collide() cascade`.execute(room.database.kysely);
    }
    expect(await countOf(applicationId)).toBe(5);
  });

  it('the same keys in crossed order by two processes do not deadlock', async () => {
    const applicationId = await room.addApplication();
    for (let round = 0; round < 5; round++) {
      const listOf = () =>
        Array.from({ length: 200 }, (_, index) =>
          messageOf(applicationId, { idempotency: { key: `${round}-${index}`, requestHash: Buffer.alloc(32) } }),
        );
      const [one, two] = await Promise.all([
        room.acceptance.acceptAll(listOf()),
        room.acceptance.acceptAll(listOf().toReversed()),
      ]);
      expect([...one.seqs, ...two.seqs].filter((seq) => seq !== null)).toHaveLength(200);
    }
  });

  it('of two with one key at the same moment, one is stored', async () => {
    const applicationId = await room.addApplication();
    const idempotency = { key: 'once', requestHash: Buffer.alloc(32) };
    const kept = await Promise.all(
      Array.from({ length: 8 }, () => writer.keep(messageOf(applicationId, { idempotency }))),
    );
    expect(kept.filter(Boolean)).toHaveLength(1);
    expect(await countOf(applicationId)).toBe(1);
  });

  it('relayed messages lock their upstream once, however many come together', async () => {
    const applicationId = await room.addApplication();
    await room.settings.put(applicationId, 'upstream', { visible: {}, secret: {} });
    const relayed = () => messageOf(applicationId, { notification: { alert: 'hi', collapseId: 'x', relay: {} } });
    let statements = 0;
    const counted = room.database.kysely.withPlugin({
      transformQuery: ({ node }) => {
        statements++;
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    });
    const database = { ...room.database, kysely: counted };
    const acceptance = new AcceptanceService(database, new MessageInsertRepository(database), room.batches);
    const costs = [];
    for (const size of [2, 20]) {
      statements = 0;
      await acceptance.acceptAll(Array.from({ length: size }, relayed));
      costs.push(statements);
    }
    expect(costs[0]).toBeGreaterThan(0);
    expect(costs[1]).toBe(costs[0]);
  });

  it('stores a bulk completely or not at all', async () => {
    const applicationId = await room.addApplication();
    const idempotency = { key: 'bulk', requestHash: Buffer.alloc(32) };
    const bulk = () => {
      const list = [
        messageOf(applicationId, { idempotency }),
        messageOf(applicationId, { urgent: false }),
        messageOf(applicationId),
      ];
      const [first] = list;
      return list.map((each) => ({ ...each, message: { ...each.message, bulkOf: first?.message.id } }));
    };
    const sent = bulk();
    expect(await writer.keepAll(sent)).toBe(true);
    expect(await writer.keepAll(bulk())).toBe(false);
    expect(await countOf(applicationId)).toBe(3);
    const rows = await room.messages.findBulk(applicationId, sent[0]?.message.id ?? '');
    expect(rows.map(({ id }) => id)).toEqual(sent.map(({ message }) => message.id));
  });

  it('finds the values of each user by device, and removes them with the message', async () => {
    const applicationId = await room.addApplication();
    const [seq = 0] = await room.addDevices(applicationId, 1);
    await sql`update device set user_id = 'ann', language = 'de', attributes = '{"points":7}' where seq = ${seq}`.execute(
      room.database.kysely,
    );
    const data = new Map([['ann', { name: 'Ann' }]]);
    const message = await room.accept(applicationId, [{ provider: 'sandbox', deviceSeqs: [seq] }], {
      data,
      urgent: true,
    });
    const values = new ValuesRepository(room.database);
    const known = { seq, userId: 'ann', language: 'de', appVersion: null, attributes: { points: 7 } };
    expect(await values.find(message.seq, [seq])).toEqual([{ ...known, fields: { name: 'Ann' } }]);
    const again = await room.accept(applicationId, null, { resend: { of: message.id, outcomes: ['failed'] } });
    expect(await values.find(again.seq, [seq])).toEqual([{ ...known, fields: { name: 'Ann' } }]);
    await sql`delete from message where seq = ${message.seq}`.execute(room.database.kysely);
    expect(await values.find(message.seq, [seq])).toEqual([{ ...known, fields: null }]);
  });

  it('releases a scheduled message at its time, once, and keeps it accepted until it is expanded', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(applicationId, 2);
    const at = (ms: number) => ({ sendAt: new Date(Date.now() + ms) });
    const [due, later, paused] = [
      await room.accept(applicationId, null, at(-1)),
      await room.accept(applicationId, null, at(60_000)),
      await room.accept(applicationId, null, at(-1)),
    ];
    await room.control.pause(applicationId, paused.id, new Date());
    const released = await Promise.all([room.scheduled.release(), room.scheduled.release()]);
    expect(released.flatMap(({ toExpand }) => toExpand)).toEqual([due.seq]);
    const stateOf = async ({ seq }: { seq: number }) => (await room.messageRow(seq)).state;
    expect([await stateOf(due), await stateOf(later), await stateOf(paused)]).toEqual([
      'accepted',
      'scheduled',
      'scheduled',
    ]);
    // Killed before it was queued: the sweeper finds it like any accepted message.
    await sql`update message set accepted_at = now() - interval '10 s' where seq = ${due.seq}`.execute(
      room.database.kysely,
    );
    expect(await room.seqsToExpand()).toContain(due.seq);
    await room.expansions.expandPage(due.seq);
    expect(await room.messageRow(due.seq)).toMatchObject({ state: 'sending', audience: 2 });
    expect(await room.control.resume(applicationId, paused.id)).toMatchObject({ toExpand: false });
    expect(await room.scheduled.release()).toEqual({ messages: 1, toExpand: [paused.seq], queued: [] });
    expect(await room.control.cancel(applicationId, later.id)).toBe(true);
    expect(await room.messageRow(later.seq)).toMatchObject({ state: 'cancelled', totals: [0, 0, 0, 0, 0, 0, 0, 0] });
  });
});
