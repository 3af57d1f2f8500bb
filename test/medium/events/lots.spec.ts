import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LeasedBatch } from '../../../src/delivery/batch.js';
import { OUTCOME } from '../../../src/delivery/outcome.js';
import { EventRepository } from '../../../src/events/event.repository.js';
import { Room, batchOf } from '../delivery/room.js';

/** Outcomes of a broadcast whose batches record a part at a time. */

interface Told {
  type: string;
  data: { count?: number; deliveries?: { deviceId?: string; reason?: string }[] };
}

/** Deliveries of a batch that are recorded together. */
const PART = 180;

describe('lots of outcomes', () => {
  let room: Room;
  let events: EventRepository;
  beforeAll(async () => {
    room = await Room.open();
    events = new EventRepository(room.database);
  });
  afterAll(() => room.remove());

  const addApplication = async (): Promise<string> => {
    const applicationId = await room.addApplication();
    const eventTypes = ['message.finished' as const, 'delivery.accepted' as const, 'delivery.failed' as const];
    await events.want(applicationId, { eventTypes, labels: null, campaigns: null });
    return applicationId;
  };
  const told = async (applicationId: string): Promise<Told[]> => {
    while ((await events.place()) > 0);
    const page = await events.read(applicationId, null, null, 1_000);
    return page.events.map(({ body }) => JSON.parse(body) as Told);
  };
  /** Records and commits the next deliveries, one of them failed. */
  const recordPart = async (batch: LeasedBatch): Promise<void> => {
    for (const [at, position] of batch.due.splice(0, PART).entries()) {
      const end = at === 0 ? { outcome: OUTCOME.failed, reason: 'r' } : { outcome: OUTCOME.accepted };
      batch.ledger.record(position, end, true);
    }
    await room.batches.checkpoint(batch);
  };
  const pass = (seconds: number): Promise<unknown> =>
    sql`update event set created_at = created_at - make_interval(secs => ${seconds}) where position is null`.execute(
      room.database.kysely,
    );

  it('are full while batches are slow, and hold each delivery once before the message ends', async () => {
    const applicationId = await addApplication();
    const seqs = await room.addDevices(applicationId, 2_500);
    const batches = [0, 1_000, 2_000].map((at) => ({
      provider: 'sandbox' as const,
      deviceSeqs: seqs.slice(at, at + 1_000),
    }));
    const { batchIds } = await room.accept(applicationId, batches);
    const leased = await Promise.all(batchIds.map((id) => room.claim(id)));
    while (leased.some(({ due }) => due.length > 0)) {
      for (const batch of leased) if (batch.due.length > 0) await recordPart(batch);
      expect((await told(applicationId)).filter(({ data }) => data.count !== 1_000)).toEqual([]);
    }
    for (const batch of leased) await room.batches.finish(batch, { state: 'done', waitMs: null });

    const all = await told(applicationId);
    expect(all.map(({ type, data }) => [type, data.count])).toEqual([
      ['delivery.accepted', 1_000],
      ['delivery.accepted', 1_000],
      ['delivery.accepted', 485],
      ['delivery.failed', 15],
      ['message.finished', undefined],
    ]);
    const deliveries = all.flatMap(({ data }) => data.deliveries ?? []);
    expect(new Set(deliveries.map(({ deviceId }) => deviceId))).toEqual(new Set(seqs.map((_, at) => `d${at + 1}`)));
    expect(deliveries).toHaveLength(2_500);
    expect(deliveries.filter(({ reason }) => reason !== undefined)).toHaveLength(15);
  });

  it('go after a minute, and with the rest of theirs at the end', async () => {
    const applicationId = await addApplication();
    const { batchIds } = await room.accept(applicationId, [batchOf(1_000), batchOf(1_000, 'sandbox', 1_001)]);
    const batch = await room.claim(batchIds[0]!);
    await recordPart(batch);
    await pass(50);
    expect(await told(applicationId)).toEqual([]);
    await pass(11);
    expect((await told(applicationId)).map(({ data }) => data.count)).toEqual([PART - 1, 1]);
    await recordPart(batch);
    expect(await told(applicationId)).toHaveLength(2);
  });

  it('come before the end of their message, also if it is written after the look for ended ones', async () => {
    const applicationId = await addApplication();
    const message = await room.accept(applicationId, [batchOf(1_000), batchOf(1_000, 'sandbox', 1_001)]);
    await recordPart(await room.claim(message.batchIds[0]!));
    await sql`insert into event (application_id, type, event_id, subject, body)
      values (${applicationId}, 'message.finished', 'evt_end', ${`message/${message.id}`}, '{"type":"message.finished"}')`.execute(
      room.database.kysely,
    );
    expect(await told(applicationId)).toEqual([]);
    await pass(61);
    expect((await told(applicationId)).map(({ type }) => type).at(-1)).toBe('message.finished');
  });

  it('of a message to few devices wait for nothing', async () => {
    const applicationId = await addApplication();
    const { batchIds } = await room.accept(applicationId, [batchOf(500)]);
    await recordPart(await room.claim(batchIds[0]!));
    expect((await told(applicationId)).map(({ data }) => data.count)).toEqual([PART - 1, 1]);
  });
});
