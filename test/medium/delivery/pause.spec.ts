import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Verdict } from '../../../src/providers/provider.js';
import { Queues } from '../../../src/queue/queue.js';
import { GatedProvider, newWorker } from './gated-provider.js';
import { Room, namesOf } from './room.js';

const REFUSED: Verdict = { action: 'stopApplication', reason: 'InvalidProviderToken' };

describe('an application that is paused at a provider', () => {
  let room: Room;
  let queues: Queues;
  let provider: GatedProvider;
  let applicationId: string;
  beforeAll(async () => {
    room = await Room.open();
    queues = await Queues.open({}, room.database, () => undefined);
  });
  afterAll(async () => {
    await queues.close();
    await room.remove();
  });
  beforeEach(async () => {
    provider = Object.assign(new GatedProvider(), { parseSettings: () => ({ visible: {}, secret: {} }) });
    applicationId = await room.addApplication();
  });

  const toDevices = async (count: number): Promise<number> => {
    const deviceSeqs = await room.addDevices(applicationId, count);
    const { batchIds } = await room.accept(applicationId, [{ provider: 'sandbox', deviceSeqs }]);
    return batchIds[0]!;
  };
  const pause = async (): Promise<void> => {
    await room.settings.put(applicationId, 'sandbox', { visible: {}, secret: {} });
    const { version = 0 } = (await room.settings.find(applicationId, 'sandbox')) ?? {};
    await room.settings.pause(applicationId, 'sandbox', version, { reason: 'InvalidProviderToken', by: 'provider' });
  };
  const state = () => room.settings.find(applicationId, 'sandbox');
  const letTryBeDue = () =>
    sql`update provider_setting set next_try_at = now() where application_id = ${applicationId}`.execute(
      room.database.kysely,
    );
  const deliver = (batchId: number) => newWorker(room, queues, provider).deliverBatch(batchId, 'sandbox', 'broadcast');
  const secondsToTry = async (): Promise<number> => {
    const { nextTryAt } = (await state())!;
    return (nextTryAt!.getTime() - Date.now()) / 1_000;
  };

  it('reports its cause, its beginning and the time of the next probe', async () => {
    const before = Date.now();
    await pause();
    const { pausedReason, pausedBy, pausedAt } = (await state())!;
    expect([pausedReason, pausedBy]).toEqual(['InvalidProviderToken', 'provider']);
    expect(Math.abs(pausedAt!.getTime() - before)).toBeLessThan(60_000);
    expect(await secondsToTry()).toBeGreaterThan(0);
    await room.settings.resume(applicationId, 'sandbox');
    expect(await state()).toMatchObject({ pausedReason: null, pausedBy: null, pausedAt: null, nextTryAt: null });
  });

  it('writes nothing before the probe', async () => {
    await pause();
    const batchId = await toDevices(3);
    await deliver(batchId);
    expect(provider.written).toEqual([]);
    expect((await room.batchRow(batchId)).state).toBe('parked');
  });

  it('writes one delivery at the probe, among all processes and messages', async () => {
    await pause();
    const batchIds = [await toDevices(3)];
    for (let more = 0; more < 3; more++) {
      const { batchIds: ids } = await room.accept(applicationId, [{ provider: 'sandbox', deviceSeqs: [1, 2, 3] }]);
      batchIds.push(...ids);
    }
    await letTryBeDue();
    provider.verdict = REFUSED;
    await Promise.all(batchIds.map(deliver));
    expect(provider.written).toHaveLength(1);
    for (const batchId of batchIds) {
      const { state: batchState, outcomes } = await room.batchRow(batchId);
      expect([batchState, ...namesOf(outcomes)]).toEqual(['parked', 'pending', 'pending', 'pending']);
    }
    expect((await state())?.pausedReason).toBe('InvalidProviderToken');
  });

  it('keeps the probe for a batch with a delivery that is due', async () => {
    await pause();
    const early = await toDevices(2);
    const { batchIds } = await room.accept(applicationId, [{ provider: 'sandbox', deviceSeqs: [1, 2] }]);
    const later = { attempts: 1, reason: 'ServiceUnavailable', retryAt: Date.now() + 60_000 };
    await sql`update batch set details = ${JSON.stringify({ 0: later, 1: later })}
      where id = ${early}`.execute(room.database.kysely);
    await letTryBeDue();
    await deliver(early);
    expect(provider.written).toEqual([]);
    expect((await room.batchRow(early)).state).toBe('parked');
    expect(await secondsToTry()).toBeLessThanOrEqual(0);
    await deliver(batchIds[0]!);
    expect(provider.written).toHaveLength(1);
  });

  it('is probed at growing intervals while it is refused', async () => {
    await pause();
    const batchId = await toDevices(1);
    provider.verdict = REFUSED;
    const waits: number[] = [];
    for (let round = 0; round < 4; round++) {
      await letTryBeDue();
      await room.sweep.unparkForTry();
      await sql`update batch set state = 'ready', due_at = now() where id = ${batchId}`.execute(room.database.kysely);
      await deliver(batchId);
      waits.push(await secondsToTry());
    }
    expect(provider.written).toHaveLength(4);
    for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThan(30 * 2 ** index);
  });

  it.each<[string, Verdict]>([
    ['an acceptance', { action: 'accept' }],
    ['a certain removal of the device', { action: 'dropDevice', reason: 'Unregistered', certain: true }],
  ])('%s ends the pause, and the rest is sent', async (_what, verdict) => {
    await pause();
    const batchId = await toDevices(3);
    await letTryBeDue();
    provider.verdict = verdict;
    await deliver(batchId);
    expect(provider.written).toHaveLength(1);
    expect((await state())?.pausedReason).toBeNull();
    provider.verdict = { action: 'accept' };
    await deliver(batchId);
    expect(provider.written).toHaveLength(3);
    expect((await room.batchRow(batchId)).state).toBe('done');
  });

  it('an uncertain removal of the probe fails no delivery', async () => {
    await pause();
    const batchId = await toDevices(1);
    await letTryBeDue();
    provider.verdict = { action: 'dropDevice', reason: 'BadDeviceToken', certain: false };
    await deliver(batchId);
    expect(provider.written).toHaveLength(1);
    expect(namesOf((await room.batchRow(batchId)).outcomes)).toEqual(['pending']);
    expect((await state())?.pausedReason).not.toBeNull();
  });

  it('releases one parked batch when the probe is due, and none before', async () => {
    await pause();
    const batchIds = [await toDevices(1)];
    for (let more = 0; more < 2; more++) {
      const { batchIds: ids } = await room.accept(applicationId, [{ provider: 'sandbox', deviceSeqs: [1] }]);
      batchIds.push(...ids);
    }
    for (const batchId of batchIds) await deliver(batchId);
    await room.sweep.unparkForTry();
    const waiting = async () => {
      const states = await Promise.all(batchIds.map((id) => room.batchRow(id)));
      return states.filter((row) => row.state === 'waiting').length;
    };
    expect(await waiting()).toBe(0);
    await letTryBeDue();
    await room.sweep.unparkForTry();
    expect(await waiting()).toBe(1);
  });

  it('a wave of removals after an acceptance removes no device, and a single one does', async () => {
    await room.settings.put(applicationId, 'sandbox', { visible: {}, secret: {} });
    const worker = newWorker(room, queues, provider);
    const deviceSeqs = await room.addDevices(applicationId, 30);
    const send = async (seqs: number[], verdict: Verdict): Promise<string[]> => {
      provider.verdict = verdict;
      const { batchIds } = await room.accept(applicationId, [{ provider: 'sandbox', deviceSeqs: seqs }]);
      await worker.deliverBatch(batchIds[0]!, 'sandbox', 'broadcast');
      return [...new Set(namesOf((await room.batchRow(batchIds[0]!)).outcomes))];
    };
    const alive = async () => {
      const { rows } = await sql<{ count: number }>`select count(*)::int as count from device
        where application_id = ${applicationId} and retired_at is null`.execute(room.database.kysely);
      return rows[0]?.count;
    };
    const dead: Verdict = { action: 'dropDevice', reason: 'Unregistered', certain: true };
    expect(await send(deviceSeqs, { action: 'accept' })).toEqual(['accepted']);
    expect(await send(deviceSeqs, dead)).toEqual(['rejected']);
    expect(await alive()).toBe(30);
    // The next message goes to them.
    expect(await send(deviceSeqs, { action: 'accept' })).toEqual(['accepted']);
    expect(await send(deviceSeqs.slice(0, 1), dead)).toEqual(['rejected']);
    expect(await alive()).toBe(29);
  });
});
