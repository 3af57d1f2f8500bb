import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeliverService } from '../../../src/delivery/deliver/deliver.service.js';
import { MessageRateRepository } from '../../../src/delivery/expand/message-rate.repository.js';
import { OUTCOME } from '../../../src/delivery/outcome.js';
import { Queues } from '../../../src/queue/queue.js';
import { GatedProvider, newWorker } from './gated-provider.js';
import { Room, namesOf, recordAll } from './room.js';

const MINUTE = 60_000;
const DONE = { state: 'done', waitMs: null } as const;

describe('a message under way,', () => {
  let room: Room;
  let queues: Queues;
  let provider: GatedProvider;
  let deliver: DeliverService;
  beforeAll(async () => {
    room = await Room.open();
    queues = await Queues.open({}, room.database, () => undefined);
  });
  afterAll(async () => {
    await queues.close();
    await room.remove();
  });
  beforeEach(() => {
    provider = new GatedProvider();
    deliver = newWorker(room, queues, provider);
  });
  afterEach(() => provider.openGate());

  /** A message to `count` real devices d1, d2, … in one batch. */
  async function toDevices(count: number, change: Parameters<Room['accept']>[2] = {}) {
    const applicationId = await room.addApplication();
    const deviceSeqs = await room.addDevices(applicationId, count);
    const message = await room.accept(applicationId, [{ provider: 'sandbox', deviceSeqs }], change);
    return { ...message, applicationId, batchId: message.batchIds[0] ?? 0 };
  }
  const pause = (message: { applicationId: string; id: string }) =>
    room.control.pause(message.applicationId, message.id, new Date());
  /** Like MessageControlService, which then fills the providers' windows. */
  const resume = async ({ applicationId, id }: { applicationId: string; id: string }) => {
    const resumed = await room.control.resume(applicationId, id);
    const queued = await room.batches.promote(applicationId, resumed?.providers ?? []);
    return resumed && { seq: resumed.seq, toExpand: resumed.toExpand, queued };
  };
  const report = async (message: { applicationId: string; id: string }) => {
    const found = await room.reports.find(message.applicationId, message.id, Date.now());
    if (!found) throw new Error('no such message');
    return found;
  };
  /** Sweeps and works until the message has ended. */
  async function runToEnd(message: { applicationId: string; id: string; seq: number }): Promise<void> {
    const step = async () => {
      await room.sweep.unpark();
      await room.sweep.unparkOver(null);
      await room.batches.promote(message.applicationId, ['sandbox']);
      for (const row of await room.batchRows(message.seq)) await deliver.deliverBatch(row.id, 'sandbox', 'broadcast');
      expect((await report(message)).finishedAt).not.toBeNull();
    };
    await vi.waitFor(step, { timeout: 20_000, interval: 10 });
  }

  describe('paused', () => {
    it('before anything was written, writes nothing until the resume, and then each delivery once', async () => {
      const message = await toDevices(3);
      expect(await pause(message)).toBe(true);
      expect(await pause(message)).toBe(false);
      expect(await room.countByState(message.seq)).toEqual({ parked: 1 });
      await deliver.deliverBatch(message.batchId, 'sandbox', 'broadcast');
      await room.sweep.unpark();
      expect(await room.batches.promote(message.applicationId, ['sandbox'])).toEqual([]);
      expect([provider.written, (await report(message)).state]).toEqual([[], 'paused']);

      expect(await resume(message)).toEqual({
        seq: message.seq,
        toExpand: false,
        queued: [
          {
            id: message.batchId,
            epoch: 1,
            applicationId: message.applicationId,
            provider: 'sandbox',
            urgent: false,
            rank: 1,
          },
        ],
      });
      expect(await resume(message)).toBeNull();
      await runToEnd(message);
      expect(provider.written).toEqual(['t1', 't2', 't3']);
      expect((await report(message)).outcomes.accepted).toBe(3);
    });

    it('with a rate, continues at the rate, also what was due during the pause', async () => {
      const applicationId = await room.addApplication();
      await room.addDevices(applicationId, 40);
      const rateSeq = await new MessageRateRepository().add({ perSecond: 2 }, room.database.kysely);
      const message = { applicationId, ...(await room.accept(applicationId, null)) };
      const run = (statement: RawBuilder<unknown>) => statement.execute(room.database.kysely);
      await run(sql`update message set rate_seq = ${rateSeq} where seq = ${message.seq}`);
      await room.expansions.expandPage(message.seq);
      await pause(message);
      // An hour passes. The second batch was tried before, so it is claimed at once and waits for its own time.
      await run(sql`update batch set due_at = due_at - interval '1 hour' where message_seq = ${message.seq}`);
      await run(sql`update message_rate set next_ms = next_ms - 3600000, written_at = written_at - interval '1 hour'
        where seq = ${rateSeq}`);
      const { id: tried } = (await room.batchRows(message.seq))[1]!;
      await run(sql`update batch set started_at = now() where id = ${tried}`);
      const before = Date.now();
      await resume(message);
      const rows = await room.batchRows(message.seq);
      const dueOf = (list: typeof rows) => list.map(({ due_at: due }) => due!.getTime());
      const dues = dueOf(rows.filter(({ id }) => id !== tried)).toSorted((a, b) => a - b);
      expect(dues[0]).toBeGreaterThanOrEqual(before - 1);
      expect(dues.map((due) => Math.round(due - dues[0]!))).toEqual(dues.map((_, index) => index * 1_000));
      // The next page follows the last step.
      await run(sql`update message set expand_at = now() where seq = ${message.seq}`);
      await room.expansions.expandPage(message.seq);
      const added = (await room.batchRows(message.seq)).slice(rows.length).map(({ due_at: due }) => due!.getTime());
      expect(Math.round(added[0]! - dues.at(-1)!)).toBe(1_000);
    });

    it('in flight: written deliveries get their answer, the rest is written once after the resume', async () => {
      const message = await toDevices(5);
      provider.writesBeforeGate = 2;
      const sending = deliver.deliverBatch(message.batchId, 'sandbox', 'broadcast');
      await vi.waitFor(() => expect(provider.waiting).toBe(true), { timeout: 20_000 });
      await pause(message);
      // A query every 200 ms notices.
      await vi.waitFor(() => expect(provider.signal?.aborted).toBe(true), { timeout: 5_000 });
      provider.openGate();
      await sending;
      const paused = await report(message);
      expect([paused.state, paused.outcomes.accepted, paused.outcomes.pending]).toEqual(['paused', 2, 3]);
      expect(await room.countByState(message.seq)).toEqual({ parked: 1 });

      await resume(message);
      await runToEnd(message);
      expect(provider.written).toEqual(['t1', 't2', 't3', 't4', 't5']);
      expect(await report(message)).toMatchObject({ state: 'finished', outcomes: { accepted: 5 } });
    });

    it('between the last checkpoint and the end of a batch: parks the deliveries that wait for a retry', async () => {
      const message = await toDevices(1);
      const batch = await room.claim(message.batchId);
      const retryAt = Date.now() + MINUTE;
      batch.ledger.record(0, { outcome: OUTCOME.pending, reason: '503', retryAt }, true);
      await pause(message);
      expect(await room.batches.finish(batch, { state: 'ready', waitMs: retryAt - Date.now() })).toMatchObject({
        state: 'parked',
      });
      // After the resume it is claimed at once and waits for its time.
      const resumed = await resume(message);
      expect(resumed?.queued).toMatchObject([{ id: message.batchId, epoch: 2 }]);
      expect((await room.claim(message.batchId)).due).toEqual([]);
    });

    it('stops its expansion, and continues from the cursor', async () => {
      const applicationId = await room.addApplication();
      const seqs = await room.addDevices(applicationId, 10_500);
      const acceptedAt = new Date(Date.now() - MINUTE);
      const message = { ...(await room.accept(applicationId, null, { acceptedAt })), applicationId };
      expect((await room.expansions.expandPage(message.seq)).more).toBe(true);
      await pause(message);
      expect(await room.countByState(message.seq)).toEqual({ parked: 10 });
      expect(await room.expansions.expandPage(message.seq)).toEqual({ promoted: [], more: false });
      expect(await room.seqsToExpand()).not.toContain(message.seq);
      expect((await report(message)).state).toBe('paused');

      expect(await resume(message)).toMatchObject({ toExpand: true });
      expect(await room.seqsToExpand()).toContain(message.seq);
      expect((await room.expansions.expandPage(message.seq)).more).toBe(false);
      const rows = await room.batchRows(message.seq);
      expect(rows.flatMap((row) => row.device_seqs)).toEqual(seqs);
    });

    it('and cancelled, is settled', async () => {
      const message = await toDevices(2);
      await pause(message);
      expect(await room.control.cancel(message.applicationId, message.id)).toBe(true);
      await runToEnd(message);
      expect(await report(message)).toMatchObject({ state: 'cancelled', outcomes: { cancelled: 2 } });
      expect(provider.written).toEqual([]);
    });

    it('for longer than its life, expires: sent, parked or not expanded', async () => {
      const expiresAt = new Date(Date.now() - 1);
      const parked = await toDevices(2);
      const applicationId = await room.addApplication();
      await room.addDevices(applicationId, 3);
      const whole = { ...(await room.accept(applicationId, null)), applicationId };
      for (const message of [parked, whole]) {
        await pause(message);
        await room.database.kysely
          .updateTable('message')
          .set({ expires_at: expiresAt, accepted_at: new Date(0) })
          .where('seq', '=', message.seq)
          .execute();
      }
      expect(await room.seqsToExpand()).toContain(whole.seq);
      await room.expansions.expandPage(whole.seq);
      for (const message of [parked, whole]) {
        await runToEnd(message);
        expect((await report(message)).state).toBe('expired');
      }
      expect((await report(whole)).outcomes.expired).toBe(3);
      expect(provider.written).toEqual([]);
    });

    it('after its worker was lost, reports unknown, not in flight', async () => {
      const message = await toDevices(2);
      await room.claim(message.batchId);
      await pause(message);
      await room.runOutLease(message.batchId);
      expect(await room.tryClaim(message.batchId)).toBeNull();
      expect((await report(message)).outcomes).toMatchObject({ inFlight: 0, unknown: 2 });
      await resume(message);
      expect((await room.claim(message.batchId)).due).toEqual([0, 1]);
    });
  });

  describe('cancelled', () => {
    it('in flight, reports stopped, sent and unknown deliveries', async () => {
      const message = await toDevices(4, { onUnknown: 'resend' });
      provider.writesBeforeGate = 3;
      const sending = deliver.deliverBatch(message.batchId, 'sandbox', 'broadcast');
      await vi.waitFor(() => expect(provider.waiting).toBe(true), { timeout: 20_000 });
      await room.control.cancel(message.applicationId, message.id);
      await vi.waitFor(() => expect(provider.signal?.aborted).toBe(true), { timeout: 5_000 });
      provider.verdict = { action: 'ambiguous', reason: 'connection lost' };
      provider.openGate();
      await sending;
      expect(await report(message)).toMatchObject({ state: 'cancelled', outcomes: { cancelled: 1, unknown: 3 } });
      expect((await report(message)).finishedAt).not.toBeNull();
    });

    it('while deliveries wait for a retry, is settled now and not at the retry', async () => {
      const message = await toDevices(2);
      const batch = await room.claim(message.batchId);
      const retryAt = Date.now() + 60 * MINUTE;
      batch.ledger.record(0, { outcome: OUTCOME.pending, retryAt }, true);
      batch.ledger.record(1, { outcome: OUTCOME.unknown, retryAt }, true);
      await room.batches.finish(batch, { state: 'ready', waitMs: retryAt - Date.now() });
      await room.control.cancel(message.applicationId, message.id);
      // The queue has a job for the retry under the epoch before.
      expect(await room.batches.promote(message.applicationId, ['sandbox'])).toMatchObject([
        { id: message.batchId, epoch: 2 },
      ]);
      await runToEnd(message);
      expect((await report(message)).outcomes).toMatchObject({ cancelled: 1, unknown: 1 });
    });

    it('between the last checkpoint and the end of a batch, is settled with it', async () => {
      const message = await toDevices(1);
      const batch = await room.claim(message.batchId);
      const retryAt = Date.now() + MINUTE;
      batch.ledger.record(0, { outcome: OUTCOME.pending, retryAt }, true);
      await room.control.cancel(message.applicationId, message.id);
      expect(await room.batches.finish(batch, { state: 'ready', waitMs: retryAt - Date.now() })).toMatchObject({
        state: 'done',
      });
      expect(namesOf((await room.batchRow(message.batchId)).outcomes)).toEqual(['cancelled']);
      expect((await report(message)).finishedAt).not.toBeNull();
    });

    it('cancelled or paused while many expand, claim and finish it: each delivery is counted once, and it ends', async () => {
      for (let round = 0; round < 3; round++) {
        const applicationId = await room.addApplication();
        await room.addDevices(applicationId, 10_100);
        const message = { ...(await room.accept(applicationId, null)), applicationId };
        const outcomes = ['accepted', 'failed', 'pending', 'unknown'] as const;
        const work = async (worker: number) => {
          for (let turn = 0; turn < 12; turn++) {
            const rows = await room.batchRows(message.seq);
            const batch = await room.tryClaim(rows[(worker * 5 + turn) % (rows.length || 1)]?.id ?? 0);
            if (!batch) continue;
            recordAll(batch, outcomes[(worker + turn) % 4] ?? 'accepted');
            const dueAt = batch.ledger.nextDue(Date.now());
            await room.batches.finish(batch, dueAt === null ? DONE : { state: 'ready', waitMs: 0 });
          }
        };
        const expand = async () => {
          while ((await room.expansions.expandPage(message.seq)).more);
        };
        const control = async () => {
          for (let turn = 0; turn < round; turn++) {
            await pause(message);
            await resume(message);
          }
          await room.control.cancel(applicationId, message.id);
        };
        await Promise.all([expand(), expand(), work(1), work(2), work(3), control()]);
        await runToEnd(message);
        const { audience, outcomes: found, state } = await report(message);
        expect(Object.values(found).reduce((sum, count) => sum + count, 0)).toBe(audience);
        expect([state, found.pending, found.inFlight]).toEqual(['cancelled', 0, 0]);
        const row = await room.messageRow(message.seq);
        expect(row.open_batches).toBe(0);
        const { rows } = await sql<{ total: number }>`select coalesce(sum(size), 0)::int as total from batch
          where message_seq = ${message.seq}`.execute(room.database.kysely);
        expect(rows[0]?.total).toBe(audience);
      }
    });
  });

  describe('an unknown delivery, whatever the cause,', () => {
    const ambiguous = { action: 'ambiguous', reason: 'connection lost' } as const;
    const ways: Record<string, (message: Awaited<ReturnType<typeof toDevices>>) => Promise<void>> = {
      'an ambiguous answer': async ({ batchId }) => {
        provider.verdict = ambiguous;
        await deliver.deliverBatch(batchId, 'sandbox', 'broadcast');
      },
      'a lost worker': async ({ batchId }) => {
        await room.claim(batchId);
        await room.runOutLease(batchId);
      },
      'a stop of the process between answers': async ({ batchId }) => {
        provider.writesBeforeGate = 2;
        provider.verdict = ambiguous;
        const sending = deliver.deliverBatch(batchId, 'sandbox', 'broadcast');
        await vi.waitFor(() => expect(provider.waiting).toBe(true), { timeout: 20_000 });
        deliver.stopSending();
        provider.openGate();
        await sending;
      },
      'an internal fault between answers': async ({ batchId }) => {
        provider.fault = new Error('broken');
        await deliver.deliverBatch(batchId, 'sandbox', 'broadcast');
        provider.fault = undefined;
      },
    };

    describe.each(Object.keys(ways))('after %s', (way) => {
      it.each([
        ['hold', 1],
        ['resend', 2],
      ] as const)('%s writes each delivery at most %d times', async (onUnknown, times) => {
        const message = await toDevices(2, { onUnknown });
        await ways[way]!(message);
        const before = provider.written.length;
        deliver = newWorker(room, queues, provider);
        provider.verdict = { action: 'accept' };
        // The retry is due.
        await sql`update batch set due_at = now() - interval '1 second', details = (
          select coalesce(jsonb_object_agg(key, case when value ? 'retryAt' then value || '{"retryAt":0}' else value end), '{}')
          from jsonb_each(details)) where id = ${message.batchId}`.execute(room.database.kysely);
        await runToEnd(message);
        expect(provider.written.length - before).toBe(times === 2 ? 2 : 0);
        expect((await report(message)).outcomes).toMatchObject(times === 2 ? { accepted: 2 } : { unknown: 2 });
      });
    });
  });
});
