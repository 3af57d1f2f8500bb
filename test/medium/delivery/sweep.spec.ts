import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../../src/common/clock.js';
import { DatabaseWatch } from '../../../src/database/database-watch.js';
import { WINDOW } from '../../../src/delivery/batch.repository.js';
import { DeliveryQueue } from '../../../src/delivery/delivery.queue.js';
import { Sweeper } from '../../../src/delivery/upkeep/sweeper.js';
import { expandJob } from '../../../src/queue/jobs.js';
import { Queues } from '../../../src/queue/queue.js';
import { Room, batchOf } from './room.js';

const HOUR = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms);

describe('the sweep', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.open();
  });
  afterAll(() => room.remove());

  const overdue = async (id: number, since: Date) => {
    await room.database.kysely.updateTable('batch').set({ due_at: since }).where('id', '=', id).execute();
  };
  const newSweeper = (queues: Queues, clock = new Clock()) =>
    new Sweeper(
      room.sweep,
      room.scheduled,
      room.batches,
      new DeliveryQueue(queues),
      new DatabaseWatch(room.database),
      clock,
    );
  const foundBatches = async () => (await room.sweep.batchesToDeliver()).map((batch) => batch.id);

  it('finds messages without an expansion job, and skips new and ended ones', async () => {
    const applicationId = await room.addApplication();
    const old = { acceptedAt: ago(4_000) };
    const forgotten = await room.accept(applicationId, null, old);
    const fresh = await room.accept(applicationId, null);
    const cancelled = await room.accept(applicationId, null, old);
    await room.control.cancel(applicationId, cancelled.id);
    const expanded = await room.accept(applicationId, [], old);
    const found = await room.seqsToExpand();
    expect(found).toContain(forgotten.seq);
    for (const { seq } of [fresh, cancelled, expanded]) expect(found).not.toContain(seq);
  });

  it('finds batches with an expired lease or a missing job, and skips the others', async () => {
    const applicationId = await room.addApplication();
    const message = await room.accept(
      applicationId,
      Array.from({ length: 5 }, () => batchOf(1)),
      { urgent: true },
    );
    const [lost = 0, leased = 0, forgotten = 0, fresh = 0, later = 0] = message.batchIds;
    await room.claim(lost);
    await room.runOutLease(lost);
    await room.claim(leased);
    await overdue(forgotten, ago(4_000));
    await overdue(later, ago(-HOUR));
    const found = await room.sweep.batchesToDeliver();
    const own = found.filter((batch) => message.batchIds.includes(batch.id));
    expect(own.toSorted((a, b) => a.id - b.id)).toEqual([
      { id: lost, epoch: 1, applicationId, provider: 'sandbox', urgent: true, late: 0 },
      { id: forgotten, epoch: 0, applicationId, provider: 'sandbox', urgent: true, late: 0 },
    ]);
    expect(await foundBatches()).not.toContain(fresh);
  });

  it('replaces jobs of due rows that the queue delays by a clock that has stepped back since', async () => {
    const queues = await Queues.open({}, room.database, () => undefined);
    const queue = new DeliveryQueue(queues);
    const sweeper = newSweeper(queues);
    const applicationId = await room.addApplication();
    const toExpand = await room.accept(applicationId, null, { acceptedAt: ago(13_000) });
    const { batchIds } = await room.accept(applicationId, [batchOf(1), batchOf(1)]);
    const [delayed = 0, fresh = 0] = batchIds;
    await room.batches.promote(applicationId, ['sandbox']);
    for (const id of batchIds)
      await queue.enqueueBatches([{ id, epoch: 0, applicationId, provider: 'sandbox', urgent: false }], 2 * HOUR);
    await queues.add('expand', [{ ...expandJob(toExpand.seq), delayMs: HOUR }]);
    await overdue(delayed, ago(13_000));
    await overdue(fresh, ago(4_000));
    const [expansions, batches]: [number[], number[]] = [[], []];
    queues.work('expand', 1, ({ id }) => Promise.resolve(void expansions.push(id)));
    queues.work('deliver-sandbox', 1, ({ id }) => Promise.resolve(void batches.push(id)));
    await sweeper.sweep();
    await vi.waitFor(
      () => {
        expect(expansions).toContain(toExpand.seq);
        expect(batches).toContain(delayed);
      },
      { timeout: 10_000 },
    );
    // Most batches that are a little late have a job that comes.
    expect(batches).not.toContain(fresh);
    await sweeper.beforeApplicationShutdown();
    await queues.close();
  });

  it('does not wait for a time that was written between a step of the clock and its way back', async () => {
    const queues = await Queues.open({}, room.database, () => undefined);
    const clock = new (class extends Clock {
      stepped = 0;
      override steps = () => this.stepped;
    })();
    const sweeper = newSweeper(queues, clock);
    await sweeper.sweep();
    const { batchIds } = await room.accept(await room.addApplication(), [batchOf(1)]);
    const [id = 0] = batchIds;
    await sql`update batch set state = 'ready', due_at = now() + interval '1 hour',
      waits_since = now() + interval '1 hour' where id = ${id}`.execute(room.database.kysely);
    clock.stepped = 2;
    await sweeper.sweep();
    expect((await room.batchRow(id)).due_at?.getTime()).toBeLessThan(Date.now() + 5_000);
    await sweeper.beforeApplicationShutdown();
    await queues.close();
  });

  it('refills an empty queue with all rows that want work', async () => {
    const queues = await Queues.open({}, room.database, () => undefined);
    const sweeper = newSweeper(queues);
    const [expansions, batches]: [number[], number[]] = [[], []];
    queues.work('expand', 1, ({ id }) => Promise.resolve(void expansions.push(id)));
    queues.work('deliver-sandbox', 1, ({ id }) => Promise.resolve(void batches.push(id)));

    const applicationId = await room.addApplication();
    const toExpand = await room.accept(applicationId, null, { acceptedAt: ago(4_000) });
    const large = await room.accept(
      applicationId,
      Array.from({ length: WINDOW + 2 }, () => batchOf(1)),
    );
    for (const id of large.batchIds.slice(0, WINDOW)) await overdue(id, ago(4_000));
    // Parked by a pause that has ended since.
    const pausedId = await room.addApplication();
    const parked = await room.accept(pausedId, [batchOf(1)]);
    await room.pause(pausedId, 'sandbox');
    await room.tryClaim(parked.batchIds[0] ?? 0);
    await room.resume(pausedId, 'sandbox');

    await sweeper.sweep();
    await vi.waitFor(
      () => {
        expect(expansions).toContain(toExpand.seq);
        expect(batches).toEqual(expect.arrayContaining([...large.batchIds.slice(0, WINDOW), ...parked.batchIds]));
      },
      { timeout: 10_000 },
    );
    // The window is full: the last two still wait.
    expect(await room.countByState(large.seq)).toEqual({ ready: WINDOW, waiting: 2 });
    await sweeper.beforeApplicationShutdown();
    await queues.close();
  });
});
