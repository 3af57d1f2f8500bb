import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LeasedBatch } from '../../../src/delivery/batch.js';
import { OUTCOME } from '../../../src/delivery/outcome.js';
import type { NewMessage } from '../../../src/messages/send/new-message.js';
import { Room, batchOf, namesOf, recordAll } from './room.js';

const MINUTE = 60_000;

/** Messages of one device, claimed and ended in lots with the same result as singly. */
describe('lots of urgent batches', () => {
  let room: Room;
  let applicationId: string;
  let seqs: number[];
  beforeAll(async () => {
    room = await Room.open();
    applicationId = await room.addApplication();
    seqs = await room.addDevices(applicationId, 10);
  });
  afterAll(() => room.remove());

  const accept = async (device = seqs[0] ?? 0, change: Partial<NewMessage> = {}, owner = applicationId) => {
    const message = await room.accept(owner, [batchOf(1, 'sandbox', device)], { urgent: true, ...change });
    return { ...message, batchId: message.batchIds[0] ?? 0 };
  };
  const claimLot = (ids: readonly number[], now = Date.now()): Promise<(LeasedBatch | null)[]> =>
    room.urgent.claimLot(ids.map((id) => ({ id, needsSettings: false, now })));
  const change = (id: number, columns: object) =>
    room.database.kysely.updateTable('batch').set(columns).where('id', '=', id).execute();

  it('claims them like single claims, with their devices, in the given order', async () => {
    const made = await Promise.all(seqs.map((seq) => accept(seq)));
    const asked = made.map(({ batchId }) => batchId).toReversed();
    const claimed = await claimLot(asked);
    expect(claimed.map((batch) => batch?.id)).toEqual(asked);
    for (const [index, batch] of claimed.toReversed().entries()) {
      const { batchId } = made[index]!;
      const { devices, ...same } = batch!;
      expect(devices).toEqual([
        { seq: seqs[index], token: `t${index + 1}`, platform: 'A', registeredAt: expect.any(Number) as number },
      ]);
      const row = await room.batchRow(batchId);
      expect(row).toMatchObject({ state: 'leased', epoch: 1, counts: [0, 1, 0, 0, 0, 0, 0, 0] });
      expect(namesOf(row.outcomes)).toEqual(['inFlight']);
      expect(row.lease_until!.getTime()).toBeGreaterThan(Date.now());
      // A single claim of the same row.
      await change(batchId, { state: 'ready', epoch: 0, outcomes: Buffer.of(0), counts: '{1,0,0,0,0,0,0,0}' });
      const alone = await room.claim(batchId, same.terms.now);
      expect({ ...same, ledger: null }).toEqual({ ...alone, ledger: null });
      expect(same.ledger.counts()).toEqual(alone.ledger.counts());
    }
  });

  it('leaves out a device that is removed, retired or of another provider', async () => {
    const [gone, retired, moved] = await room.addDevices(await room.addApplication(), 3);
    const made = await Promise.all([gone, retired, moved].map((seq) => accept(seq)));
    await sql`delete from device where seq = ${gone}`.execute(room.database.kysely);
    await sql`update device set retired_reason = 'dead' where seq = ${retired}`.execute(room.database.kysely);
    await sql`update device set provider = 'apns' where seq = ${moved}`.execute(room.database.kysely);
    const claimed = await claimLot(made.map(({ batchId }) => batchId));
    expect(claimed.map((batch) => batch?.devices)).toEqual([[], [], []]);
  });

  it('leaves batches that need more than sending to the single claim', async () => {
    const [paused, slow, stopped, removed] = await Promise.all([1, 2, 3, 4].map(() => room.addApplication()));
    await room.pause(paused!, 'sandbox');
    await room.pace.slowDown({ applicationId: slow!, provider: 'sandbox' }, Date.now() + MINUTE, 10);
    const held = await Promise.all([
      accept(1, {}, paused),
      accept(1, {}, slow),
      accept(1, {}, stopped),
      accept(1, {}, removed),
    ]);
    await sql`update application set stopped_at = now() where id = ${stopped}`.execute(room.database.kysely);
    await sql`update application set removed_at = now() where id = ${removed}`.execute(room.database.kysely);
    const [cancelled, pausedMessage, early, expired, later, tried, leased, done, two, broadcast] = await Promise.all([
      accept(),
      accept(),
      accept(),
      accept(1, { expiresAt: new Date(Date.now() - MINUTE) }),
      accept(),
      accept(),
      accept(),
      accept(),
      room.accept(applicationId, [batchOf(2)], { urgent: true }),
      room.accept(applicationId, [batchOf(1)]),
    ]);
    await sql`update message set state = 'cancelled' where seq = ${cancelled.seq}`.execute(room.database.kysely);
    await room.control.pause(applicationId, pausedMessage.id, new Date());
    await sql`update message set send_at = now() + interval '1 minute' where seq = ${early.seq}`.execute(
      room.database.kysely,
    );
    await change(later.batchId, { due_at: sql`now() + interval '1 minute'` });
    await change(tried.batchId, { details: '{"0":{"attempts":1}}' });
    await room.claim(leased.batchId);
    await room.runOutLease(leased.batchId);
    await change(done.batchId, { state: 'done' });
    const asked = [
      ...[...held, cancelled, pausedMessage, early, expired, later, tried, leased, done].map(({ batchId }) => batchId),
      ...two.batchIds,
      ...broadcast.batchIds,
      9e15,
    ];
    const before = await Promise.all(asked.slice(0, -1).map((id) => room.batchRow(id)));
    expect(await claimLot(asked)).toEqual(asked.map(() => null));
    expect(await Promise.all(asked.slice(0, -1).map((id) => room.batchRow(id)))).toEqual(before);
    // None of these prevents the next from being sent.
    const { batchId } = await accept();
    expect((await claimLot([...asked, batchId])).at(-1)?.id).toBe(batchId);
  });

  it('if many requests name the same batches, each batch is claimed once', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => accept()));
    const ids = made.map(({ batchId }) => batchId);
    const claims = await Promise.all([
      ...Array.from({ length: 4 }, () => claimLot([...ids, ...ids])),
      ...ids.map((id) => room.tryClaim(id).then((batch) => [batch])),
    ]);
    const taken = claims.flat().flatMap((batch) => (batch ? [batch.id] : []));
    expect(taken.toSorted((a, b) => a - b)).toEqual(ids.toSorted((a, b) => a - b));
  });

  it('ends them with their messages like single ends', async () => {
    const outcomes = ['accepted', 'failed', 'expired', 'cancelled'] as const;
    const made = await Promise.all(outcomes.map(() => accept()));
    const lot = (await claimLot(made.map(({ batchId }) => batchId))).map((batch) => batch!);
    for (const [index, batch] of lot.entries()) recordAll(batch, outcomes[index]!);
    lot[1]!.ledger.details[0] = { attempts: 3, reason: 'it’s “odd”' };
    await sql`update message set state = 'cancelled' where seq = ${made[3]!.seq}`.execute(room.database.kysely);
    expect(lot.every(({ isWhole }) => isWhole)).toBe(true);
    expect(await room.urgent.endLot(lot)).toEqual([true, true, true, true]);
    const rows = await Promise.all(made.map(({ batchId }) => room.batchRow(batchId)));
    expect(rows.map(({ state, outcomes: bytes }) => [state, ...namesOf(bytes)])).toEqual(
      outcomes.map((outcome) => ['done', outcome]),
    );
    expect(rows[1]?.details).toEqual({ 0: { attempts: 3, reason: 'it’s “odd”' } });
    const messages = await Promise.all(made.map(({ seq }) => room.messageRow(seq)));
    expect(messages.map(({ state }) => state)).toEqual(['finished', 'finished', 'expired', 'cancelled']);
    for (const [index, { open_batches, finished_at, totals }] of messages.entries()) {
      expect(open_batches).toBe(0);
      expect(finished_at).toBeInstanceOf(Date);
      expect(totals).toEqual(Array.from({ length: 8 }, (_, code) => (code === OUTCOME[outcomes[index]!] ? 1 : 0)));
    }
  });

  it('a lost lease ends nothing and does not affect the rest of the lot', async () => {
    const [lost, kept] = [await accept(), await accept()];
    const lot = (await claimLot([lost.batchId, kept.batchId])).map((batch) => batch!);
    for (const batch of lot) recordAll(batch, 'accepted');
    await room.runOutLease(lost.batchId);
    const successor = await room.claim(lost.batchId);
    expect(await Promise.all(lot.map((batch) => room.urgent.end(batch)))).toEqual([false, true]);
    expect(await room.messageRow(lost.seq)).toMatchObject({ state: 'sending', open_batches: 1 });
    expect(await room.messageRow(kept.seq)).toMatchObject({ state: 'finished', open_batches: 0 });
    recordAll(successor, 'accepted');
    expect(await room.urgent.end(successor)).toBe(true);
    expect(await room.urgent.end(successor)).toBe(false);
    expect(await room.messageRow(lost.seq)).toMatchObject({ state: 'finished', open_batches: 0 });
  });

  it('an end that the database refuses does not affect the rest of the lot', async () => {
    const made = [await accept(), await accept()];
    const [odd, fine] = (await claimLot(made.map(({ batchId }) => batchId))).map((batch) => batch!);
    for (const batch of [odd!, fine!]) recordAll(batch, 'accepted');
    // PostgreSQL accepts no U+0000 in jsonb (22P05).
    odd!.ledger.details[0] = { attempts: 1, reason: 'a\u0000b' };
    const results = await Promise.allSettled([room.urgent.end(odd!), room.urgent.end(fine!)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect((await room.messageRow(made[1]!.seq)).state).toBe('finished');
  });

  it('a message with deliveries in several batches is whole in none of them', async () => {
    const message = await room.accept(applicationId, [batchOf(1), batchOf(1, 'sandbox', 2)], { urgent: true });
    const claimed = await claimLot(message.batchIds);
    expect(claimed.map((batch) => batch?.isWhole)).toEqual([false, false]);
  });
});
