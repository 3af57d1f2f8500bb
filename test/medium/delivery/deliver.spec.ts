import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Queues } from '../../../src/queue/queue.js';
import { GatedProvider, newWorker } from './gated-provider.js';
import { Room, batchOf, namesOf } from './room.js';

describe('sending while the database fails', () => {
  let room: Room;
  let queues: Queues;
  let provider: GatedProvider;
  beforeAll(async () => {
    room = await Room.open();
    queues = await Queues.open({}, room.database, () => undefined);
    await run(`create sequence refusals`);
    await run(`create function refuse() returns trigger language plpgsql as $$
      begin perform nextval('refusals'); raise exception 'refused by the test'; end $$`);
  });
  afterAll(async () => {
    await queues.close();
    await room.remove();
  });
  beforeEach(() => {
    provider = new GatedProvider();
  });
  afterEach(async () => {
    for (const table of ['batch', 'device']) await run(`drop trigger if exists refusing on ${table}`);
    await run(`alter sequence refusals restart`);
  });

  const run = (text: string) => sql.raw(text).execute(room.database.kysely);
  /** A sequence is not rolled back. */
  const refusals = async () => {
    const { rows } = await sql<{ count: number }>`
      select case when is_called then last_value else 0 end as count from refusals`.execute(room.database.kysely);
    return rows[0]?.count ?? 0;
  };
  const toDevices = async (count: number) => {
    const applicationId = await room.addApplication();
    const deviceSeqs = await room.addDevices(applicationId, count);
    const { batchIds } = await room.accept(applicationId, [{ provider: 'sandbox', deviceSeqs }]);
    return { batchId: batchIds[0] ?? 0, applicationId };
  };

  it("keeps the provider's answers until they can be recorded", async () => {
    const { batchId } = await toDevices(3);
    await run(
      `create trigger refusing before update on batch for each row when (new.state = 'done') execute function refuse()`,
    );
    const delivery = newWorker(room, queues, provider).deliverBatch(batchId, 'sandbox', 'broadcast');
    await vi.waitFor(async () => expect(await refusals()).toBeGreaterThan(1), { timeout: 10_000 });
    await run('drop trigger refusing on batch');
    await delivery;
    const row = await room.batchRow(batchId);
    expect(row.state).toBe('done');
    expect(namesOf(row.outcomes)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(provider.written).toHaveLength(3);
  });

  it('records the answers although a device cannot be removed', async () => {
    const { batchId } = await toDevices(2);
    provider.verdict = { action: 'dropDevice', reason: 'Unregistered', certain: true };
    await run('create trigger refusing before update on device for each row execute function refuse()');
    await newWorker(room, queues, provider).deliverBatch(batchId, 'sandbox', 'broadcast');
    expect(await refusals()).toBe(1);
    expect(namesOf((await room.batchRow(batchId)).outcomes)).toEqual(['rejected', 'rejected']);
  });

  it('calls no delivery unknown that was not begun', async () => {
    const { batchId } = await toDevices(2);
    await run('alter table device rename to device_away');
    try {
      await newWorker(room, queues, provider).deliverBatch(batchId, 'sandbox', 'broadcast');
    } finally {
      await run('alter table device_away rename to device');
    }
    const row = await room.batchRow(batchId);
    expect(row.state).toBe('ready');
    expect(row.due_at?.getTime()).toBeGreaterThan(Date.now() + 3_000);
    expect(namesOf(row.outcomes)).toEqual(['pending', 'pending']);
    expect(row.details).toEqual({});
    expect(provider.written).toEqual([]);
  });

  it('keeps the answers before an internal fault; deliveries without one are unknown', async () => {
    const { batchId } = await toDevices(3);
    Object.assign(provider, { fault: new Error('broken'), answersBeforeFault: 1 });
    await newWorker(room, queues, provider).deliverBatch(batchId, 'sandbox', 'broadcast');
    const row = await room.batchRow(batchId);
    expect(row.state).toBe('ready');
    expect(row.due_at?.getTime()).toBeGreaterThan(Date.now() + 3_000);
    expect(namesOf(row.outcomes)).toEqual(['accepted', 'inFlight', 'inFlight']);
  });

  it('sends nothing before the time of its message, even if its batch was released', async () => {
    const applicationId = await room.addApplication();
    const sendAt = new Date(Date.now() + 3_600_000);
    const expiresAt = new Date(sendAt.getTime() + 60_000);
    const { batchIds } = await room.accept(applicationId, [batchOf(1)], { sendAt, expiresAt, urgent: true });
    const [batchId = 0] = batchIds;
    expect((await room.batchRow(batchId)).state).toBe('ready');
    await newWorker(room, queues, provider).deliverBatch(batchId, 'sandbox', 'broadcast');
    expect(provider.written).toEqual([]);
    const row = await room.batchRow(batchId);
    expect(row).toMatchObject({ state: 'ready', epoch: 1 });
    expect(Math.abs((row.due_at?.getTime() ?? 0) - sendAt.getTime())).toBeLessThan(1_000);
  });
});
