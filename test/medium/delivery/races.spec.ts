import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProviderStatusRepository } from '../../../src/applications/provider-status.repository.js';
import { WINDOW } from '../../../src/delivery/batch.repository.js';
import { Room, batchOf, namesOf, recordAll } from './room.js';

/**
 * Two or many calls at once of every statement that decides which call continues. Races of the claim, of the window and
 * of expansion pages are in the specs of their repositories. Each race runs several times, because it has two results.
 */
const ROUNDS = Array.from({ length: 10 }, (_, round) => round);

describe('races', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.open();
  });
  afterAll(() => room.remove());

  /** Enough simultaneous calls to overlap. */
  const crowd = <T>(call: (index: number) => Promise<T>, size = 8): Promise<T[]> =>
    Promise.all(Array.from({ length: size }, (_, index) => call(index)));

  async function oneLeased() {
    const applicationId = await room.addApplication();
    const message = await room.accept(applicationId, [batchOf(3)]);
    const batchId = message.batchIds[0] ?? 0;
    return { ...message, applicationId, batchId, batch: await room.claim(batchId) };
  }

  it.each(ROUNDS)('a checkpoint and a successor after an expired lease: one of them has the batch (%i)', async () => {
    const { batchId, batch } = await oneLeased();
    recordAll(batch, 'accepted');
    await room.runOutLease(batchId);
    const [kept, successor] = await Promise.all([room.batches.checkpoint(batch), room.tryClaim(batchId)]);
    expect([kept === null, successor === null].filter(Boolean)).toHaveLength(1);
    const row = await room.batchRow(batchId);
    expect(row.epoch).toBe(kept ? 1 : 2);
    expect(namesOf(row.outcomes)).toEqual(Array(3).fill(kept ? 'accepted' : 'inFlight'));
  });

  it.each(ROUNDS)('the end of a batch and a successor: it is sent again or done, never both (%i)', async () => {
    const { batchId, batch, seq } = await oneLeased();
    recordAll(batch, 'accepted');
    await room.runOutLease(batchId);
    const [finished, successor] = await Promise.all([
      room.batches.finish(batch, { state: 'done', waitMs: null }),
      room.tryClaim(batchId),
    ]);
    expect([finished === null, successor === null].filter(Boolean)).toHaveLength(1);
    expect((await room.batchRow(batchId)).state).toBe(finished ? 'done' : 'leased');
    expect((await room.messageRow(seq)).open_batches).toBe(finished ? 0 : 1);
  });

  it.each(ROUNDS)('many promotions: each batch once, and the window is not exceeded (%i)', async () => {
    const parts = Array.from({ length: 2 * WINDOW }, (_, index) => batchOf(1, 'sandbox', index));
    const applicationId = await room.addApplication();
    const { seq } = await room.accept(applicationId, parts);
    await sql`update batch set state = 'waiting' where message_seq = ${seq}`.execute(room.database.kysely);
    const promoted = (await crowd(() => room.batches.promote(applicationId, ['sandbox']))).flat();
    expect(new Set(promoted.map(({ id }) => id)).size).toBe(promoted.length);
    expect(await room.countByState(seq)).toEqual({ ready: WINDOW, waiting: WINDOW });
  });

  it.each(ROUNDS)('many ends of a pause: every parked batch waits again and is promoted once (%i)', async () => {
    const applicationId = await room.addApplication();
    const { seq, batchIds } = await room.accept(
      applicationId,
      Array.from({ length: 20 }, () => batchOf(1)),
    );
    await room.pause(applicationId, 'sandbox');
    for (const id of batchIds) await room.tryClaim(id);
    await room.resume(applicationId, 'sandbox');
    await crowd(() => room.sweep.unpark());
    expect(await room.countByState(seq)).toEqual({ waiting: 20 });
    const promoted = (await crowd(() => room.batches.promote(applicationId, ['sandbox']))).flat();
    expect(promoted.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(batchIds);
  });

  it.each(ROUNDS)('a cancel and an expansion: all of its batches or none, and it ends (%i)', async () => {
    const applicationId = await room.addApplication();
    await sql`insert into device (application_id, device_id, platform, provider, token, token_hash, registered_at, updated_at)
      select ${applicationId}, 'd' || n, 'A', 'sandbox', 't' || n, sha256(('t' || n)::bytea), now(), now()
      from generate_series(1, 1500) as n`.execute(room.database.kysely);
    const { seq, id } = await room.accept(applicationId, null);
    const [page, cancelled] = await Promise.all([
      room.expansions.expandPage(seq),
      room.control.cancel(applicationId, id),
    ]);
    expect([page.more, cancelled]).toEqual([false, true]);
    const batchIds = (await room.batchRows(seq)).map((row) => row.id);
    expect(await room.messageRow(seq)).toMatchObject({ state: 'cancelled', open_batches: batchIds.length });
    for (const batchId of batchIds) {
      const batch = await room.claim(batchId);
      expect(batch.due).toEqual([]);
      await room.batches.finish(batch, { state: 'done', waitMs: null });
    }
    const report = await room.reports.find(applicationId, id, Date.now());
    const audience = batchIds.length === 0 ? 0 : 1_500;
    expect(report).toMatchObject({ state: 'cancelled', audience, outcomes: { cancelled: audience } });
    expect(report?.finishedAt).toBeInstanceOf(Date);
  });

  it.each(ROUNDS)('a cancel and the end of the last batch: settled once, either way (%i)', async () => {
    const { batch, seq, id, applicationId } = await oneLeased();
    recordAll(batch, 'accepted');
    const [cancelled] = await Promise.all([
      room.control.cancel(applicationId, id),
      room.batches.finish(batch, { state: 'done', waitMs: null }),
    ]);
    const row = await room.messageRow(seq);
    expect(row).toMatchObject({ state: cancelled ? 'cancelled' : 'finished', open_batches: 0 });
    expect(row.finished_at).toBeInstanceOf(Date);
  });

  it('many cancels of one message: one of them cancels it', async () => {
    const { applicationId, id } = await oneLeased();
    const cancelled = await crowd(() => room.control.cancel(applicationId, id));
    expect(cancelled.filter(Boolean)).toHaveLength(1);
  });

  it('many requests under one Idempotency-Key: one message is stored', async () => {
    const applicationId = await room.addApplication();
    const idempotency = { key: 'once', requestHash: Buffer.from('x') };
    const kept = await crowd(() =>
      room.accept(applicationId, [batchOf(1)], { idempotency }).catch((error: Error) => error.message),
    );
    expect(kept.filter((each) => each !== 'the message was not kept')).toHaveLength(1);
    const { rows } = await sql<{ messages: number; batches: number }>`
      select (select count(*) from message where application_id = ${applicationId})::int as messages,
        (select count(*) from batch where application_id = ${applicationId})::int as batches`.execute(
      room.database.kysely,
    );
    expect(rows[0]).toEqual({ messages: 1, batches: 1 });
  });

  const versionOf = async (applicationId: string) => (await room.settings.find(applicationId, 'apns'))?.version ?? 0;

  it('many workers that pause or resume: one of them does', async () => {
    const applicationId = await room.addApplication();
    await room.settings.put(applicationId, 'apns', { visible: {}, secret: {} });
    const version = await versionOf(applicationId);
    const paused = await crowd((index) =>
      room.settings.pause(applicationId, 'apns', version, { reason: `worker ${index}`, by: 'provider' }),
    );
    expect(paused.filter(Boolean)).toHaveLength(1);
    expect((await room.settings.find(applicationId, 'apns'))?.pausedReason).toBe(`worker ${paused.indexOf(true)}`);
    const resumed = await crowd(() => room.settings.resume(applicationId, 'apns'));
    expect(resumed.filter(Boolean)).toHaveLength(1);
  });

  it.each(ROUNDS)('a pause and new settings: the new ones are not paused (%i)', async () => {
    const applicationId = await room.addApplication();
    const settings = { visible: {}, secret: {} };
    await room.settings.put(applicationId, 'apns', settings);
    const version = await versionOf(applicationId);
    await Promise.all([
      room.settings.pause(applicationId, 'apns', version, { reason: 'the old key is wrong', by: 'provider' }),
      room.settings.put(applicationId, 'apns', settings),
    ]);
    expect((await room.settings.find(applicationId, 'apns'))?.pausedReason).toBeNull();
    expect(await versionOf(applicationId)).toBeGreaterThan(version);
  });

  it('many changes of settings: each is a later version', async () => {
    const applicationId = await room.addApplication();
    await room.settings.put(applicationId, 'apns', { visible: {}, secret: {} });
    const before = await versionOf(applicationId);
    await crowd(() => room.settings.put(applicationId, 'apns', { visible: {}, secret: {} }));
    expect(await versionOf(applicationId)).toBeGreaterThanOrEqual(before + 8);
  });

  it('many reports of processes at once: all are stored', async () => {
    const applicationId = await room.addApplication();
    const statuses = new ProviderStatusRepository(room.database);
    const process = { connections: 1, streams: 1, inFlight: 0, rate: 0, reportedAt: Date.now() };
    await crowd((index) =>
      statuses.report(applicationId, 'apns', `p${index}`, { lastSuccessAt: null, lastError: null, process }),
    );
    expect((await statuses.list(applicationId, Date.now()))[0]?.processes).toHaveLength(8);
  });
});
