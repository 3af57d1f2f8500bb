import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LeasedBatch } from '../../../src/delivery/batch.js';
import { OUTCOME } from '../../../src/delivery/outcome.js';
import type { OutcomeName } from '../../../src/delivery/outcome.js';
import { RegisteredRepository } from '../../../src/devices/registered.repository.js';
import type { AskedTarget } from '../../../src/devices/registered.repository.js';
import { RoutingService } from '../../../src/messages/send/routing.service.js';
import type { NewMessage } from '../../../src/messages/send/new-message.js';
import { Room, batchOf, recordAll } from '../delivery/room.js';

/** The rows of relayed messages: the single delivery, which is the request to the upstream, and its settings. */

const RELAY = { message: { alert: 'hi' } };
const DONE = { state: 'done', waitMs: null } as const;
const HOUR = 3_600_000;

describe('a relayed message', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.open();
  });
  afterAll(() => room.remove());

  async function relaying(): Promise<string> {
    const applicationId = await room.addApplication();
    await room.settings.put(applicationId, 'upstream', { visible: { mode: 'upstream' }, secret: {} });
    return applicationId;
  }
  const relayed = (change: Partial<NewMessage> = {}): Partial<NewMessage> => ({
    notification: { alert: 'hi', collapseId: '', relay: RELAY },
    urgent: true,
    onUnknown: null,
    ...change,
  });
  async function claim(id: number, now = Date.now()): Promise<LeasedBatch | null> {
    const claimed = await room.claims.claim(id, { needsSettings: true }, now);
    return claimed && 'due' in claimed ? claimed : null;
  }
  async function settle(id: number, outcome: OutcomeName, receipt?: string): Promise<void> {
    const batch = await claim(id);
    batch?.ledger.record(0, { outcome: OUTCOME[outcome], receipt, reason: receipt ? undefined : 'HTTP 500' }, true);
    await room.batches.finish(batch!, DONE);
  }
  const report = (applicationId: string, id: string) => room.reports.find(applicationId, id, Date.now());

  it("has one delivery from its acceptance on, and shows the upstream's id", async () => {
    const applicationId = await relaying();
    const { seq, id, batchIds, queued } = await room.accept(applicationId, [], relayed());
    expect(queued).toEqual(batchIds);
    const [row] = await room.batchRows(seq);
    expect(row).toMatchObject({ provider: 'upstream', size: 1, device_seqs: [0] });
    expect(await report(applicationId, id)).toMatchObject({
      state: 'sending',
      audience: 1,
      upstream: { outcome: 'pending', messageId: null, reason: null },
    });
    const batch = await claim(batchIds[0]!);
    expect(batch?.notification.relay).toEqual(RELAY);
    batch!.ledger.record(0, { outcome: OUTCOME.accepted, receipt: 'fnDWK8bG' }, true);
    await room.batches.finish(batch!, DONE);
    expect(await report(applicationId, id)).toMatchObject({
      state: 'finished',
      outcomes: { accepted: 1 },
      upstream: { outcome: 'accepted', messageId: 'fnDWK8bG', reason: null },
    });
  });

  it('reports why it did not arrive, and no old failure after it did', async () => {
    const applicationId = await relaying();
    const lost = await room.accept(applicationId, [], relayed());
    await settle(lost.batchIds[0]!, 'unknown');
    expect((await report(applicationId, lost.id))?.upstream).toEqual({
      outcome: 'unknown',
      messageId: null,
      reason: 'HTTP 500',
    });
    const again = await room.accept(applicationId, [], relayed());
    const batch = await claim(again.batchIds[0]!);
    batch!.ledger.record(0, { outcome: OUTCOME.pending, reason: 'HTTP 503', retryAt: 1 }, true);
    await room.batches.finish(batch!, { state: 'ready', waitMs: 0 });
    expect((await report(applicationId, again.id))?.upstream).toMatchObject({ outcome: 'pending', reason: 'HTTP 503' });
    await settle(again.batchIds[0]!, 'accepted', 'a1');
    expect((await report(applicationId, again.id))?.upstream).toEqual({
      outcome: 'accepted',
      messageId: 'a1',
      reason: null,
    });
  });

  it('is one report with the devices of its direct part, known at once or expanded', async () => {
    const applicationId = await relaying();
    const small = await room.accept(applicationId, [batchOf(3)], relayed());
    expect(await report(applicationId, small.id)).toMatchObject({ audience: 4, upstream: { outcome: 'pending' } });

    const devices = await room.addDevices(applicationId, 5);
    const large = await room.accept(applicationId, null, relayed({ urgent: false }));
    expect(await report(applicationId, large.id)).toMatchObject({ state: 'accepted', audience: 1 });
    // The upstream answers before the devices are found.
    await settle(large.batchIds[0]!, 'accepted', 'early');
    expect((await report(applicationId, large.id))?.state).toBe('accepted');
    while ((await room.expansions.expandPage(large.seq)).more);
    expect(await report(applicationId, large.id)).toMatchObject({ state: 'sending', audience: devices.length + 1 });
    const rest = (await room.batchRows(large.seq)).find(({ provider }) => provider === 'sandbox')!;
    const batch = await room.claim(rest.id);
    recordAll(batch, 'accepted');
    await room.batches.finish(batch, DONE);
    expect(await report(applicationId, large.id)).toMatchObject({
      state: 'finished',
      outcomes: { accepted: devices.length + 1 },
      upstream: { messageId: 'early' },
    });
  });

  it.each([
    [null, 'unknown', 'done'],
    ['hold', 'unknown', 'done'],
    ['resend', 'inFlight', 'leased'],
  ] as const)('a lost worker’s request with onUnknown %s is %s', async (onUnknown, outcome, state) => {
    const applicationId = await relaying();
    const { id, batchIds } = await room.accept(applicationId, [], relayed({ onUnknown }));
    const [batchId] = batchIds as [number];
    expect((await claim(batchId))?.due).toEqual([0]);
    await room.runOutLease(batchId);
    const again = await claim(batchId);
    if (again?.due.length === 0) await room.batches.finish(again, DONE);
    expect((await report(applicationId, id))?.upstream?.outcome).toBe(outcome);
    expect((await room.batchRow(batchId)).state).toBe(state);
  });

  it('is repeated to a device, but not to the upstream, if the caller did not choose', async () => {
    const applicationId = await room.addApplication();
    const { batchIds } = await room.accept(applicationId, [batchOf(1)], { onUnknown: null });
    await room.claim(batchIds[0]!);
    await room.runOutLease(batchIds[0]!);
    expect((await room.claim(batchIds[0]!)).due).toEqual([0]);
  });

  it('waits while the upstream is paused, expires on time, and can be cancelled', async () => {
    const applicationId = await relaying();
    await room.pause(applicationId, 'upstream');
    const messages = [];
    for (const lifeMs of [HOUR, HOUR, 1])
      messages.push(
        await room.accept(applicationId, [], relayed({ expiresAt: new Date(Date.now() + lifeMs), onUnknown: null })),
      );
    const [first, second, third] = messages as [(typeof messages)[0], (typeof messages)[0], (typeof messages)[0]];
    for (const { batchIds } of [first, second]) expect(await claim(batchIds[0]!)).toBeNull();
    expect((await report(applicationId, first.id))?.state).toBe('paused');
    expect(await room.control.cancel(applicationId, second.id)).toBe(true);
    await room.resume(applicationId, 'upstream');
    await room.sweep.unpark();
    for (const lot of await room.sweep.destinationsWithWaiting())
      await room.batches.promote(lot.applicationId, [lot.provider]);
    await settle(first.batchIds[0]!, 'accepted', 'a');
    for (const { batchIds } of [second, third])
      await room.batches.finish((await claim(batchIds[0]!, Date.now() + 10))!, DONE);
    const outcomes = [];
    for (const { id } of messages) outcomes.push((await report(applicationId, id))?.upstream?.outcome);
    expect(outcomes).toEqual(['accepted', 'cancelled', 'expired']);
  });

  it('is resent to the upstream only if the resend asks for it', async () => {
    const applicationId = await relaying();
    const original = await room.accept(applicationId, [batchOf(2)], relayed());
    await settle(original.batchIds.at(-1)!, 'unknown');
    const devices = await room.claim(original.batchIds[0]!);
    recordAll(devices, 'accepted');
    await room.batches.finish(devices, DONE);
    const resend = async (outcomes: OutcomeName[]) => {
      const again = await room.accept(applicationId, null, relayed({ resend: { of: original.id, outcomes } }));
      while ((await room.expansions.expandPage(again.seq)).more);
      return { ...again, rows: await room.batchRows(again.seq) };
    };
    const asked = await resend(['unknown']);
    expect(asked.rows).toMatchObject([{ provider: 'upstream', device_seqs: [0] }]);
    expect((await claim(asked.rows[0]!.id))?.notification.relay).toEqual(RELAY);
    expect((await report(applicationId, asked.id))?.audience).toBe(1);
    expect((await resend(['failed'])).rows).toEqual([]);
  });

  it('prevents the removal of its settings until it has ended, also while it is being accepted', async () => {
    const applicationId = await relaying();
    expect(await room.settings.removeUnused(await room.addApplication(), 'upstream')).toBe('absent');
    const { batchIds } = await room.accept(applicationId, [], relayed());
    expect(await room.settings.removeUnused(applicationId, 'upstream')).toBe('used');
    await settle(batchIds[0]!, 'accepted', 'a');
    expect(await room.settings.removeUnused(applicationId, 'upstream')).toBe('removed');
    await expect(room.accept(applicationId, [], relayed())).rejects.toMatchObject({ code: 'FPWSE0025E' });
  });

  it('prevents the removal for a resend without batches; one that finds no settings is stored', async () => {
    const applicationId = await relaying();
    const original = await room.accept(applicationId, [], relayed());
    await settle(original.batchIds[0]!, 'unknown');
    const resend = () =>
      room.accept(applicationId, null, relayed({ resend: { of: original.id, outcomes: ['unknown'] } }));
    const again = await resend();
    expect(await room.settings.removeUnused(applicationId, 'upstream')).toBe('used');
    while ((await room.expansions.expandPage(again.seq)).more);
    expect(await room.settings.removeUnused(applicationId, 'upstream')).toBe('used');
    await settle((await room.batchRows(again.seq))[0]!.id, 'accepted', 'a');
    expect(await room.settings.removeUnused(applicationId, 'upstream')).toBe('removed');
    expect((await resend()).seq).toBeGreaterThan(again.seq);
  });

  it('races with the removal of its settings: one of the two comes first', async () => {
    for (let round = 0; round < 10; round++) {
      const applicationId = await relaying();
      const [kept, removed] = await Promise.allSettled([
        room.accept(applicationId, [], relayed()),
        room.settings.removeUnused(applicationId, 'upstream'),
      ]);
      const outcome = removed.status === 'fulfilled' ? removed.value : removed.reason;
      expect([kept.status, outcome]).toEqual(
        kept.status === 'fulfilled' ? ['fulfilled', 'used'] : ['rejected', 'removed'],
      );
    }
  });

  it('knows which targets are registered here, and the owner of a device', async () => {
    const applicationId = await room.addApplication();
    const registered = new RegisteredRepository(room.database);
    await room.addDevices(applicationId, 4);
    const change = (device: string, values: { user_id?: string; platform?: string; retired_reason?: string }) =>
      room.database.kysely
        .updateTable('device')
        .set(values)
        .where('application_id', '=', applicationId)
        .where('device_id', '=', device)
        .execute();
    await change('d1', { user_id: 'anna' });
    await change('d2', { user_id: 'anna', platform: 'G' });
    await change('d3', { user_id: 'ben', retired_reason: 'HTTP 410' });
    const list = async (target: object) =>
      (await registered.listRegistered([{ applicationId, target }]))[0]?.toSorted((a, b) => a.id.localeCompare(b.id));
    expect(await list({ deviceIds: ['d1', 'd2', 'd3', 'd4', 'd5'] })).toEqual([
      { id: 'd1', owner: 'anna' },
      { id: 'd2', owner: 'anna' },
      { id: 'd4', owner: 'd4' },
    ]);
    expect(await list({ userIds: ['anna', 'ben', 'chris'] })).toEqual([{ id: 'anna', owner: 'anna' }]);
    expect(await list({ deviceIds: ['d1', 'd2'], platforms: ['G'] })).toEqual([{ id: 'd2', owner: 'anna' }]);
    expect(await list({ userIds: ['anna'], platforms: ['W'] })).toEqual([]);
    const askedAtOnce = [{ deviceIds: ['d4'] }, { userIds: ['ben'] }, { userIds: ['anna'], platforms: ['G'] }];
    expect(await registered.listRegistered(askedAtOnce.map((target) => ({ applicationId, target })))).toEqual([
      [{ id: 'd4', owner: 'd4' }],
      [],
      [{ id: 'anna', owner: 'anna' }],
    ]);
  });
  it('the messages of a bulk share the look-ups of registrations', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(applicationId, 50);
    let lookUps = 0;
    class Counted extends RegisteredRepository {
      override listRegistered(asked: readonly AskedTarget[]) {
        lookUps++;
        return super.listRegistered(asked);
      }
    }
    const routing = new RoutingService(new Counted(room.database));
    const application = {
      id: applicationId,
      enabled: true,
      strict: false,
      approvalAbove: null,
      ...{ receipts: false, receiptKey: null, allowedOrigins: [] },
      stoppedAt: null,
      stoppedBy: null,
      upstream: { mode: 'both', share: 100 },
    };
    const ways = await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const target = { deviceIds: [`d${index + 1}`] };
        return routing.chooseWay(application, { target, request: {}, notification: { alert: 'hi', collapseId: '' } });
      }),
    );
    expect(ways.map(({ direct }) => direct?.deviceIds?.[0])).toEqual(ways.map((_, index) => `d${index + 1}`));
    expect(lookUps).toBeLessThanOrEqual(2);
  });
});
