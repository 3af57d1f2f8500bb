import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WINDOW } from '../../../src/delivery/batch.repository.js';
import { OUTCOME } from '../../../src/delivery/outcome.js';
import type { ProviderName } from '../../../src/providers/provider.js';
import { deliverJob } from '../../../src/queue/jobs.js';
import { Room, batchOf, namesOf, recordAll } from './room.js';

const LATE = Date.parse('2099-01-01T00:00:00.123Z');

describe('batches', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.open();
  });
  afterAll(() => room.remove());

  /** A message with one batch. */
  async function oneBatch(size: number, change: Parameters<Room['accept']>[2] = {}) {
    const applicationId = await room.addApplication();
    const message = await room.accept(applicationId, [batchOf(size)], change);
    return { ...message, applicationId, batchId: message.batchIds[0] ?? 0 };
  }

  describe('a claim', () => {
    it('succeeds for one of many', async () => {
      const { batchId } = await oneBatch(3);
      const claims = await Promise.all(Array.from({ length: 8 }, () => room.tryClaim(batchId)));
      const won = claims.filter((claim) => claim !== null);
      expect(won).toHaveLength(1);
      expect(won[0]).toMatchObject({ epoch: 1, due: [0, 1, 2], deviceSeqs: [1, 2, 3], provider: 'sandbox' });
    });

    it('has committed the deliveries as in flight before it returns', async () => {
      const { batchId } = await oneBatch(2);
      await room.claim(batchId);
      const row = await room.batchRow(batchId);
      expect([row.state, row.epoch, namesOf(row.outcomes)]).toEqual(['leased', 1, ['inFlight', 'inFlight']]);
      expect(row.counts).toEqual([0, 2, 0, 0, 0, 0, 0, 0]);
    });

    it('contains the message', async () => {
      const { batchId, id } = await oneBatch(1, { urgent: true, onUnknown: 'hold', expiresAt: new Date(LATE) });
      expect(await room.claim(batchId)).toMatchObject({
        urgent: true,
        settingsVersion: 0,
        notification: { messageId: id, collapseId: id, alert: 'hi', expiresAt: LATE },
        terms: { onUnknown: 'hold', cancelled: false, expiresAt: LATE },
      });
    });

    it('reads settings if the provider needs some', async () => {
      const applicationId = await room.addApplication();
      const { batchIds } = await room.accept(applicationId, [batchOf(1, 'apns'), batchOf(1, 'apns')]);
      const needsSettings = { needsSettings: true };
      const claim = (id = 0) => room.claims.claim(id, needsSettings, Date.now());
      expect(await claim(batchIds[0])).toMatchObject({ settingsVersion: null });
      await room.resume(applicationId, 'apns');
      expect(await claim(batchIds[1])).toMatchObject({ settingsVersion: 1 });
    });

    it('of a batch that is leased, done or unknown returns nothing', async () => {
      const { batchId } = await oneBatch(1);
      const batch = await room.claim(batchId);
      expect(await room.tryClaim(batchId)).toBeNull();
      recordAll(batch, 'accepted');
      await room.batches.finish(batch, { state: 'done', waitMs: null });
      expect(await room.tryClaim(batchId)).toBeNull();
      expect(await room.tryClaim(999_999_999)).toBeNull();
    });

    it('of a batch that waits for a retry succeeds at its time', async () => {
      const { batchId } = await oneBatch(1);
      const batch = await room.claim(batchId);
      batch.ledger.record(0, { outcome: OUTCOME.pending, reason: '503', retryAt: Date.now() }, true);
      await room.batches.finish(batch, { state: 'ready', waitMs: 3_600_000 });
      expect(await room.tryClaim(batchId)).toBeNull();
      await room.database.kysely
        .updateTable('batch')
        .set({ due_at: new Date(0) })
        .where('id', '=', batchId)
        .execute();
      expect(await room.claim(batchId)).toMatchObject({ epoch: 2, due: [0] });
    });
  });

  describe('a lost worker', () => {
    it.each([
      ['resend', [0, 1], ['inFlight', 'inFlight', 'accepted']],
      ['hold', [], ['unknown', 'unknown', 'accepted']],
    ] as const)(
      'leaves deliveries in flight unknown, and %s decides about a repeat',
      async (onUnknown, due, outcomes) => {
        const { batchId } = await oneBatch(3, { onUnknown });
        const lost = await room.claim(batchId);
        lost.ledger.record(2, { outcome: OUTCOME.accepted }, true);
        await room.batches.checkpoint(lost);
        await room.runOutLease(batchId);

        const next = await room.claim(batchId);
        expect([next.epoch, next.due]).toEqual([2, due]);
        const row = await room.batchRow(batchId);
        expect(namesOf(row.outcomes)).toEqual(outcomes);
        expect(row.details).toMatchObject({ 0: { attempts: 1, reason: 'the worker was lost' } });
      },
    );

    it('that comes back records nothing and settles nothing', async () => {
      const { batchId, seq } = await oneBatch(2);
      const slow = await room.claim(batchId);
      await room.runOutLease(batchId);
      const next = await room.claim(batchId);
      const before = await room.batchRow(batchId);

      recordAll(slow, 'rejected');
      expect(await room.batches.checkpoint(slow)).toBeNull();
      expect(await room.batches.finish(slow, { state: 'done', waitMs: null })).toBeNull();
      expect(await room.batchRow(batchId)).toEqual(before);
      expect(await room.messageRow(seq)).toMatchObject({ state: 'sending', open_batches: 1 });

      recordAll(next, 'accepted');
      expect(await room.batches.finish(next, { state: 'done', waitMs: null })).toEqual({ state: 'done', promoted: [] });
      expect(await room.messageRow(seq)).toMatchObject({ state: 'finished', open_batches: 0 });
    });

    it('is replaced by one successor of several', async () => {
      const { batchId } = await oneBatch(2);
      await room.claim(batchId);
      await room.runOutLease(batchId);
      const claims = await Promise.all(Array.from({ length: 8 }, () => room.tryClaim(batchId)));
      expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
    });

    it('finishes once, however often it tries', async () => {
      const { batchId, seq } = await oneBatch(1);
      const batch = await room.claim(batchId);
      recordAll(batch, 'accepted');
      const done = { state: 'done', waitMs: null } as const;
      const finished = await Promise.all([room.batches.finish(batch, done), room.batches.finish(batch, done)]);
      expect(finished.filter((result) => result !== null)).toHaveLength(1);
      expect((await room.messageRow(seq)).open_batches).toBe(0);
    });
  });

  describe('a checkpoint', () => {
    it('records, renews the lease, and reports a cancel', async () => {
      const { batchId, applicationId, id } = await oneBatch(2);
      const batch = await room.claim(batchId);
      batch.ledger.record(1, { outcome: OUTCOME.rejected, reason: 'gone' }, true);
      await room.database.kysely
        .updateTable('batch')
        .set({ lease_until: new Date(Date.now() + 1_000) })
        .where('id', '=', batchId)
        .execute();
      expect(await room.batches.checkpoint(batch)).toEqual({ messageState: 'sending' });
      const row = await room.batchRow(batchId);
      expect(namesOf(row.outcomes)).toEqual(['inFlight', 'rejected']);
      expect([row.counts, row.details]).toEqual([[0, 1, 0, 1, 0, 0, 0, 0], { 1: { attempts: 1, reason: 'gone' } }]);
      expect((row.lease_until?.getTime() ?? 0) - Date.now()).toBeGreaterThan(5_000);

      await room.control.cancel(applicationId, id);
      expect(await room.batches.checkpoint(batch)).toEqual({ messageState: 'cancelled' });
    });
  });

  describe('the end of a message', () => {
    const finish = async (batchId: number, now?: number, outcome?: 'accepted' | 'failed') => {
      const batch = await room.claim(batchId, now);
      if (outcome) recordAll(batch, outcome);
      await room.batches.finish(batch, { state: 'done', waitMs: null });
      return batch;
    };

    it('comes with its last batch, not before', async () => {
      const message = await room.accept(await room.addApplication(), [batchOf(1), batchOf(1, 'apns')]);
      await finish(message.batchIds[1] ?? 0, undefined, 'accepted');
      expect(await room.messageRow(message.seq)).toMatchObject({
        state: 'sending',
        open_batches: 1,
        finished_at: null,
      });
      await finish(message.batchIds[0] ?? 0, undefined, 'failed');
      const row = await room.messageRow(message.seq);
      expect(row).toMatchObject({ state: 'finished', open_batches: 0 });
      expect(row.finished_at).toBeInstanceOf(Date);
    });

    it('comes also if all batches end at once', async () => {
      const parts = Array.from({ length: 12 }, (_, index) => batchOf(1, 'sandbox', index));
      const { seq, batchIds } = await room.accept(await room.addApplication(), parts);
      await Promise.all(batchIds.map((id) => finish(id, undefined, 'accepted')));
      expect(await room.messageRow(seq)).toMatchObject({ state: 'finished', open_batches: 0 });
    });

    it('is expired if all deliveries expired', async () => {
      const { batchId, seq } = await oneBatch(2);
      const expiresAt = (await room.messageRow(seq)).expires_at.getTime();
      expect((await finish(batchId, expiresAt)).due).toEqual([]);
      expect((await room.batchRow(batchId)).counts).toEqual([0, 0, 0, 0, 0, 2, 0, 0]);
      expect((await room.messageRow(seq)).state).toBe('expired');
    });

    it('is finished if at least one delivery was accepted', async () => {
      const message = await room.accept(await room.addApplication(), [batchOf(1), batchOf(1, 'sandbox', 2)]);
      const expiresAt = (await room.messageRow(message.seq)).expires_at.getTime();
      await finish(message.batchIds[0] ?? 0, undefined, 'accepted');
      await finish(message.batchIds[1] ?? 0, expiresAt);
      expect((await room.messageRow(message.seq)).state).toBe('finished');
    });

    it('is cancelled after a cancel, with the unsent deliveries', async () => {
      const applicationId = await room.addApplication();
      const message = await room.accept(applicationId, [batchOf(1), batchOf(2, 'sandbox', 2)]);
      await finish(message.batchIds[0] ?? 0, undefined, 'accepted');
      expect(await room.control.cancel(applicationId, message.id)).toBe(true);
      expect(await room.messageRow(message.seq)).toMatchObject({ state: 'cancelled', finished_at: null });
      expect((await finish(message.batchIds[1] ?? 0)).due).toEqual([]);
      const report = await room.reports.find(applicationId, message.id, Date.now());
      expect(report).toMatchObject({ state: 'cancelled', audience: 3, outcomes: { accepted: 1, cancelled: 2 } });
      expect(report?.finishedAt).toBeInstanceOf(Date);
      expect(await room.control.cancel(applicationId, message.id)).toBe(false);
    });

    it('every report adds up to the audience', async () => {
      const { batchId, applicationId, id } = await oneBatch(7);
      const sum = async () => {
        const report = await room.reports.find(applicationId, id, Date.now());
        return Object.values(report?.outcomes ?? {}).reduce<number>((total, count) => total + count, 0);
      };
      expect(await sum()).toBe(7);
      const batch = await room.claim(batchId);
      expect(await sum()).toBe(7);
      for (const [index, outcome] of (['accepted', 'rejected', 'failed', 'unknown'] as const).entries())
        batch.ledger.record(index, { outcome: OUTCOME[outcome] }, true);
      await room.batches.checkpoint(batch);
      expect(await sum()).toBe(7);
      await room.runOutLease(batchId);
      await room.claim(batchId);
      expect(await sum()).toBe(7);
    });
  });

  it('a checkpoint stores outcomes and details of one moment, even if more is recorded while it waits', async () => {
    const { batchId } = await oneBatch(2);
    const batch = await room.claim(batchId);
    const kept = room.batches.checkpoint(batch);
    batch.ledger.record(0, { outcome: OUTCOME.unknown, reason: 'timeout', retryAt: LATE }, true);
    await kept;
    const row = await room.batchRow(batchId);
    expect([namesOf(row.outcomes), row.details]).toEqual([['inFlight', 'inFlight'], {}]);
  });

  describe('a pause', () => {
    it('parks the batch at its claim, and ends with the resume', async () => {
      const { batchId, applicationId, id } = await oneBatch(2);
      await room.pause(applicationId, 'sandbox');
      expect(await room.tryClaim(batchId)).toBeNull();
      expect(await room.batchRow(batchId)).toMatchObject({ state: 'parked', epoch: 0 });
      expect((await room.reports.find(applicationId, id, Date.now()))?.state).toBe('paused');

      await room.sweep.unpark();
      expect((await room.batchRow(batchId)).state).toBe('parked');
      await room.resume(applicationId, 'sandbox');
      await room.sweep.unpark();
      expect((await room.batchRow(batchId)).state).toBe('waiting');
      expect(await room.batches.promote(applicationId, ['sandbox'])).toMatchObject([
        { id: batchId, epoch: 1, provider: 'sandbox' },
      ]);
      expect((await room.claim(batchId)).due).toEqual([0, 1]);
    });

    it('parks waiting batches of that application and provider only; a ready batch is parked at its claim', async () => {
      const applicationId = await room.addApplication();
      const message = await room.accept(applicationId, [
        ...Array.from({ length: WINDOW + 1 }, () => batchOf(1)),
        batchOf(1, 'apns'),
      ]);
      const other = await oneBatch(1);
      const leased = await room.claim(message.batchIds[0] ?? 0);
      await room.batches.park(applicationId, 'sandbox');
      expect(await room.countByState(message.seq)).toEqual({ leased: 1, parked: 1, ready: WINDOW });
      expect((await room.batchRow(other.batchId)).state).toBe('ready');
      // A batch in sending may still record.
      recordAll(leased, 'accepted');
      expect(await room.batches.finish(leased, { state: 'done', waitMs: null })).not.toBeNull();
    });

    it('does not prevent settling of cancelled or expired batches', async () => {
      const cancelled = await oneBatch(1);
      const late = await oneBatch(1, { expiresAt: new Date(Date.now() - 1) });
      for (const { applicationId, batchId } of [cancelled, late]) {
        await room.pause(applicationId, 'sandbox');
        // At their end, a claim no longer parks them, so this is set by hand.
        await sql`update batch set state = 'parked' where id = ${batchId}`.execute(room.database.kysely);
      }
      await room.control.cancel(cancelled.applicationId, cancelled.id);
      await room.sweep.unpark();
      expect((await room.batchRow(late.batchId)).state).toBe('parked');
      for (let at = await room.sweep.unparkOver(null); at; at = await room.sweep.unparkOver(at));
      for (const { applicationId, batchId } of [cancelled, late]) {
        expect(await room.batches.promote(applicationId, ['sandbox'])).toHaveLength(1);
        const batch = await room.claim(batchId);
        expect(batch.due).toEqual([]);
        await room.batches.finish(batch, { state: 'done', waitMs: null });
      }
      expect((await room.messageRow(cancelled.seq)).state).toBe('cancelled');
      expect((await room.messageRow(late.seq)).state).toBe('expired');
    });
  });

  describe('the window', () => {
    const batches = (count: number, provider: ProviderName = 'sandbox') =>
      Array.from({ length: count }, (_, index) => batchOf(1, provider, index));
    const many = async (count: number) => {
      const applicationId = await room.addApplication();
      return { ...(await room.accept(applicationId, batches(count))), applicationId };
    };

    it('lets 64 batches of an application out, in order', async () => {
      const message = await many(WINDOW + 6);
      expect(message.queued.toSorted((a, b) => a - b)).toEqual(message.batchIds.slice(0, WINDOW));
      expect(await room.countByState(message.seq)).toEqual({ ready: WINDOW, waiting: 6 });
      expect(await room.batches.promote(message.applicationId, ['sandbox'])).toEqual([]);
    });

    it('promotes one batch for each that ends or waits for a retry, not for one that is leased', async () => {
      const message = await many(WINDOW + 3);
      const [first, second] = [await room.claim(message.batchIds[0] ?? 0), await room.claim(message.batchIds[1] ?? 0)];
      expect(await room.batches.promote(message.applicationId, ['sandbox'])).toEqual([]);
      recordAll(first, 'accepted');
      const ended = await room.batches.finish(first, { state: 'done', waitMs: null });
      expect(ended?.promoted.map((batch) => batch.id)).toEqual([message.batchIds[WINDOW]]);
      second.ledger.record(0, { outcome: OUTCOME.pending, retryAt: Date.now() + 60_000 }, true);
      const waits = await room.batches.finish(second, { state: 'ready', waitMs: 60_000 });
      expect(waits?.promoted.map((batch) => batch.id)).toEqual([message.batchIds[WINDOW + 1]]);
    });

    it('is not exceeded if many promote at once', async () => {
      const message = await many(2 * WINDOW);
      const done = await Promise.all(message.batchIds.slice(0, 8).map((id) => room.claim(id)));
      const promoted = await Promise.all(
        done.map((batch) => {
          recordAll(batch, 'accepted');
          return room.batches.finish(batch, { state: 'done', waitMs: null });
        }),
      );
      const ids = promoted.flatMap((result) => result?.promoted.map((batch) => batch.id) ?? []);
      expect(ids.toSorted((a, b) => a - b)).toEqual(message.batchIds.slice(WINDOW, WINDOW + 8));
      expect(await room.countByState(message.seq)).toEqual({ done: 8, ready: WINDOW, waiting: WINDOW - 8 });
    });

    it('is separate per application', async () => {
      const one = await many(WINDOW + 1);
      const second = await room.accept(one.applicationId, batches(2));
      const other = await many(2);
      expect([one.queued.length, second.queued.length, other.queued.length]).toEqual([WINDOW, 0, 2]);
    });

    it('ranks batches by their place in it, so that a new application begins beside a long broadcast', async () => {
      const message = await many(WINDOW + 2);
      const first = await room.claim(message.batchIds[0] ?? 0);
      recordAll(first, 'accepted');
      const ended = await room.batches.finish(first, { state: 'done', waitMs: null });
      expect(ended?.promoted.map(({ rank }) => rank)).toEqual([WINDOW]);
      // The priority of a new batch is in its job.
      expect(deliverJob({ id: 1, epoch: 1, urgent: false, applicationId: 'app' }).priority).toBe(WINDOW);
      const other = await room.addApplication();
      const rows = await room.accept(other, null);
      const insert = { seq: rows.seq, applicationId: other, urgent: false };
      await room.database.kysely
        .transaction()
        .execute((transaction) => room.batches.insert(insert, batches(3), transaction));
      const queued = await room.batches.promote(other, ['sandbox']);
      expect(queued.map(({ rank }) => rank)).toEqual([1, 2, 3]);
    });

    it('is separate per provider, so that a slow one delays no other', async () => {
      const applicationId = await room.addApplication();
      const message = await room.accept(applicationId, [...batches(WINDOW + 1, 'apns'), ...batches(2, 'fcm')]);
      expect(message.queued).toHaveLength(WINDOW + 2);
      expect(await room.countByState(message.seq)).toEqual({ ready: WINDOW + 2, waiting: 1 });
    });

    it('neither holds nor counts urgent batches', async () => {
      const applicationId = await room.addApplication();
      const broadcast = await room.accept(applicationId, batches(WINDOW + 1));
      const urgent = await room.accept(applicationId, batches(1), { urgent: true });
      expect(urgent.queued).toEqual(urgent.batchIds);
      const ended = await room.claim(urgent.batchIds[0] ?? 0);
      recordAll(ended, 'accepted');
      expect(await room.batches.finish(ended, { state: 'done', waitMs: null })).toEqual({
        state: 'done',
        promoted: [],
      });
      // Parked and released, it does not wait behind the broadcast.
      const parked = await room.accept(applicationId, batches(1), { urgent: true });
      await room.pause(applicationId, 'sandbox');
      for (const id of [...broadcast.batchIds, ...parked.batchIds]) await room.tryClaim(id);
      await room.resume(applicationId, 'sandbox');
      await room.sweep.unpark();
      const promoted = await room.batches.promote(applicationId, ['sandbox']);
      expect(promoted.filter((batch) => batch.urgent).map((batch) => batch.id)).toEqual(parked.batchIds);
      expect(promoted).toHaveLength(WINDOW + 1);
    });
  });
});
