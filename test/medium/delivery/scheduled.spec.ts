import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FEW_SCHEDULED_IDS, LOT } from '../../../src/delivery/upkeep/scheduled.repository.js';
import type { Released } from '../../../src/delivery/upkeep/scheduled.repository.js';
import type { NewMessage } from '../../../src/messages/send/new-message.js';
import { Room } from './room.js';

/** Scheduled messages to few devices are released in lots, like urgent messages without a time. */
describe('due scheduled messages', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.open();
  });
  afterAll(() => room.remove());

  const dueTo = (applicationId: string, target: NewMessage['target'], change: Partial<NewMessage> = {}) =>
    room.accept(applicationId, null, { urgent: true, sendAt: new Date(Date.now() - 1_000), target, ...change });
  const flood = async (applicationId: string, count: number, agoMs = 1_000) => {
    const { seq } = await dueTo(applicationId, { deviceIds: ['d1'] }, { sendAt: new Date(Date.now() - agoMs) });
    await sql`
      insert into message (application_id, id, client_id, body, notification, target, state, direct, accepted_at, expires_at,
        send_at, audience, open_batches, expand_cursor)
      select application_id, id || n, client_id, body, notification, target, state, direct, accepted_at, expires_at, send_at,
        0, 0, 0
      from message, generate_series(2, ${sql.lit(count)}) as n where seq = ${seq}`.execute(room.database.kysely);
  };
  /** Releases in as many statements as it takes. */
  const releaseAll = async (): Promise<Released[]> => {
    const lots: Released[] = [];
    do lots.push(await room.scheduled.release());
    while (lots.at(-1)?.messages === LOT);
    return lots;
  };
  const only = async (): Promise<Released> => {
    const [lot, ...more] = await releaseAll();
    expect(more).toEqual([]);
    return lot!;
  };

  it('a flood for one moment takes a statement per 200 messages, and none of them is expanded alone', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(applicationId, 1);
    await flood(applicationId, 2 * LOT + 50);
    const lots = await releaseAll();
    expect(lots.map(({ messages }) => messages)).toEqual([LOT, LOT, 50]);
    expect(lots.flatMap(({ toExpand }) => toExpand)).toEqual([]);
    const queued = lots.flatMap((lot) => lot.queued);
    expect(new Set(queued.map(({ id }) => id)).size).toBe(2 * LOT + 50);
    expect(queued[0]).toMatchObject({ applicationId, urgent: true, epoch: 0, provider: 'sandbox' });
    const { rows } = await sql`select distinct state, audience, open_batches from message
      where application_id = ${applicationId}`.execute(room.database.kysely);
    expect(rows).toEqual([{ state: 'sending', audience: 1, open_batches: 1 }]);
    const ids = queued.slice(0, 100).map(({ id }) => ({ id, needsSettings: false, now: Date.now() }));
    expect((await room.urgent.claimLot(ids)).map((batch) => batch?.isWhole)).toEqual(ids.map(() => true));
  });

  it('a user with devices of two platforms and a retired one has a batch per provider', async () => {
    const applicationId = await room.addApplication();
    const seqs = await room.addDevices(applicationId, 4);
    await sql`update device set user_id = 'ann', provider = case seq when ${seqs[1]} then 'apns' else provider end,
      platform = case seq when ${seqs[2]} then 'G' else platform end,
      retired_reason = case seq when ${seqs[3]} then 'gone' end where application_id = ${applicationId}`.execute(
      room.database.kysely,
    );
    const { seq } = await dueTo(applicationId, { userIds: ['ann', 'nobody'] });
    const { seq: narrowed } = await dueTo(applicationId, { userIds: ['ann'], platforms: ['G'] });
    expect(await only()).toMatchObject({ messages: 2, toExpand: [] });
    expect(await room.messageRow(seq)).toMatchObject({ state: 'sending', audience: 3, open_batches: 2 });
    const batches = await room.batchRows(seq);
    expect(batches.map(({ provider, device_seqs: devices }) => [provider, devices]).toSorted()).toEqual([
      ['apns', [seqs[1]]],
      ['sandbox', [seqs[0], seqs[2]]],
    ]);
    expect((await room.batchRows(narrowed)).map(({ device_seqs: devices }) => devices)).toEqual([[seqs[2]]]);
  });

  it('a message to a device that was removed after acceptance ends with an empty audience', async () => {
    const applicationId = await room.addApplication();
    const { seq } = await dueTo(applicationId, { deviceIds: ['gone'] });
    expect(await only()).toEqual({ messages: 1, toExpand: [], queued: [] });
    const { finished_at: finishedAt, ...row } = await room.messageRow(seq);
    expect(row).toMatchObject({ state: 'finished', audience: 0, totals: [0, 0, 0, 0, 0, 0, 0, 0] });
    expect(finishedAt).not.toBeNull();
  });

  it('a message to many devices, or one with a rate or a cap, is accepted and expanded alone', async () => {
    const applicationId = await room.addApplication();
    const removed = await room.addApplication();
    await room.addDevices(applicationId, FEW_SCHEDULED_IDS + 1);
    await sql`update device set user_id = 'crowd' where application_id = ${applicationId}`.execute(
      room.database.kysely,
    );
    const one = { deviceIds: ['d1'] };
    const { rows } = await sql<{ seq: number }>`
      insert into message_rate (per_second, next_ms) values (1, 0) returning seq`.execute(room.database.kysely);
    const rateSeq = rows[0]!.seq;
    const ids = Array.from({ length: FEW_SCHEDULED_IDS + 1 }, (_, index) => `d${index + 1}`);
    const kept = [
      await dueTo(applicationId, { tagNames: ['Push.ALL'] }, { urgent: false }),
      await dueTo(applicationId, { deviceIds: ids }),
      await dueTo(applicationId, { userIds: ['crowd'] }),
      await dueTo(applicationId, one, { campaign: { campaignSeq: 1, runSeq: 1, rateSeq, quiet: [], reach: null } }),
      await dueTo(applicationId, one, {
        campaign: { campaignSeq: 1, runSeq: 1, rateSeq: null, quiet: [], reach: { key: 1, cap: 1 } },
      }),
      await dueTo(removed, one),
    ];
    await sql`update application set removed_at = now() where id = ${removed}`.execute(room.database.kysely);
    const { messages, toExpand, queued } = await only();
    expect({ messages, toExpand: toExpand.toSorted(), queued }).toEqual({
      messages: kept.length,
      toExpand: kept.map(({ seq }) => seq).toSorted(),
      queued: [],
    });
    for (const { seq } of kept) expect((await room.messageRow(seq)).state).toBe('accepted');
  });

  it('two processes release a message once, and not while it is paused, cancelled or not due', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(applicationId, 1);
    const one = { deviceIds: ['d1'] };
    const due = await dueTo(applicationId, one);
    const [paused, cancelled] = [await dueTo(applicationId, one), await dueTo(applicationId, one)];
    await dueTo(applicationId, one, { sendAt: new Date(Date.now() + 600_000) });
    await room.control.pause(applicationId, paused.id, new Date());
    await room.control.cancel(applicationId, cancelled.id);
    const both = await Promise.all([room.scheduled.release(), room.scheduled.release()]);
    expect(both.flatMap(({ queued }) => queued).map(({ id }) => id)).toEqual([(await room.batchRows(due.seq))[0]!.id]);
    await room.control.resume(applicationId, paused.id);
    expect((await only()).queued.map(({ id }) => id)).toEqual([(await room.batchRows(paused.seq))[0]!.id]);
    expect(await room.control.cancel(applicationId, due.id)).toBe(true);
  });

  it('an application whose flood was due earlier does not fill a lot alone', async () => {
    const [busy, other] = [await room.addApplication(), await room.addApplication()];
    await flood(busy, LOT + 20, 60_000);
    await dueTo(other, { deviceIds: ['d1'] });
    await room.scheduled.release();
    const { rows } = await sql`select count(*) filter (where application_id = ${other}) as other,
      count(*) filter (where application_id = ${busy}) as busy from message where state = 'scheduled'
      and send_at <= now()`.execute(room.database.kysely);
    expect(rows).toEqual([{ other: 0, busy: 21 }]);
  });
});
