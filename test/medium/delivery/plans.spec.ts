import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ValuesRepository } from '../../../src/delivery/deliver/values.repository.js';
import { DeviceRepository } from '../../../src/devices/device.repository.js';
import { RecipientRepository } from '../../../src/messages/send/recipient.repository.js';
import { newMessageId } from '../../../src/messages/send/message-id.js';
import { Room, recordAll } from './room.js';

const EARLIER = 5_000;
const AT_ONCE = 250;
const LOT = 50;
const BROADCASTS = 1_000;
const FEW = 20;

/** Rows and index entries read so far. A session reports them at the end of a later statement. */
async function readSoFar(room: Room): Promise<number> {
  const { rows } = await sql<{ read: number }>`
    select (select sum(seq_tup_read) from pg_stat_user_tables)::bigint
      + (select sum(idx_tup_read) from pg_stat_user_indexes)::bigint as read`.execute(room.database.kysely);
  return rows[0]?.read ?? 0;
}

/** `readSoFar` once it stays the same, and is at least `least`. */
async function settled(room: Room, least: number): Promise<number> {
  let last = -1;
  await vi.waitFor(
    async () => {
      const before = last;
      await room.urgent.claimLot([{ id: 9e15, needsSettings: false, now: Date.now() }]);
      last = await readSoFar(room);
      expect(last).toBeGreaterThanOrEqual(least);
      expect(last).toBe(before);
    },
    { timeout: 20_000, interval: 1_200 },
  );
  return last;
}

/** Each session plans a named statement once, here while the tables are empty and analysed. */
describe('statements of single messages that were planned early', () => {
  let room: Room;
  let recipients: RecipientRepository;
  let values: ValuesRepository;
  let devices: DeviceRepository;
  beforeAll(async () => {
    room = await Room.open();
    recipients = new RecipientRepository(room.database);
    values = new ValuesRepository(room.database);
    devices = new DeviceRepository(room.database);
    await sql`analyze`.execute(room.database.kysely);
  });
  afterAll(() => room.remove());

  /** Messages to one device each, from look-up to end. */
  const deliver = async (applicationId: string, count: number): Promise<void> => {
    const asked = Array.from({ length: count }, (_, index) => {
      return { applicationId, kind: 'deviceIds', ids: [`d${index + 1}`] } as const;
    });
    const keys = Array.from({ length: count }, () => newMessageId());
    const found = await recipients.find(asked);
    const { queued } = await room.acceptance.acceptAll(
      found.map(([device], index) => ({
        message: {
          applicationId,
          id: newMessageId(),
          clientId: 'test',
          body: {},
          notification: { alert: 'hi', collapseId: 'c' },
          target: {},
          urgent: true,
          onUnknown: null,
          idempotency: { key: keys[index]!, requestHash: Buffer.of(1) },
          acceptedAt: new Date(),
          expiresAt: new Date(Date.now() + 3_600_000),
        },
        batches: [{ provider: 'sandbox', deviceSeqs: [device?.seq ?? 0] }],
      })),
    );
    const earlier = await Promise.all(
      keys.map((key) => room.messages.findByIdempotencyKey(applicationId, 'test', key)),
    );
    expect(earlier.map((message) => message?.requestHash)).toEqual(keys.map(() => Buffer.of(1)));
    const now = Date.now();
    const lot = await room.urgent.claimLot(queued.map(({ id }) => ({ id, needsSettings: false, now })));
    const claimed = lot.map((batch) => batch!);
    for (const batch of claimed) recordAll(batch, 'accepted');
    expect(await room.urgent.endLot(claimed)).toEqual(claimed.map(() => true));
    for (const batch of claimed.slice(0, LOT)) {
      const [device] = await values.find(batch.messageSeq, batch.deviceSeqs);
      expect(device?.seq).toBe(batch.deviceSeqs[0]);
      expect(await devices.find(applicationId, 'd1')).toMatchObject({ deviceId: 'd1' });
    }
  };

  it('read a few rows for each message to one device after the tables have grown', async () => {
    const first = await room.addApplication();
    await room.addDevices(first, 1);
    await deliver(first, 1);
    const applicationId = await room.addApplication();
    await room.addDevices(applicationId, EARLIER);
    for (let sent = 0; sent < EARLIER; sent += AT_ONCE) await deliver(applicationId, AT_ONCE);
    const before = await settled(room, EARLIER);
    await deliver(applicationId, LOT);
    const read = (await settled(room, before + LOT)) - before;
    // About fifteen for each message. A statement that reads a table or the index of all leases reads 5,000 more.
    expect(read).toBeLessThan(EARLIER / 2);
  });
});

/** In a database of its own, because the idle connections of the other tests report their reads up to 10 s later. */
describe('statements of broadcasts that were planned early', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.open();
    await sql`analyze`.execute(room.database.kysely);
  });
  afterAll(() => room.remove());

  it('read a few rows for each broadcast and its report, after the tables have grown and were analysed', async () => {
    const applicationId = await room.addApplication();
    const deviceSeqs = await room.addDevices(applicationId, 1);
    const broadcast = async (): Promise<void> => {
      const { seq, id, queued } = await room.accept(applicationId, [{ provider: 'sandbox', deviceSeqs }]);
      const batch = await room.claim(queued[0]!);
      recordAll(batch, 'accepted');
      expect(await room.batches.checkpoint(batch)).toEqual({ messageState: 'sending' });
      expect(await room.batches.finish(batch, { state: 'done', waitMs: null })).toMatchObject({ state: 'done' });
      expect(await room.reports.find(applicationId, id, Date.now())).toMatchObject({ state: 'finished' });
      expect(await room.reports.findSeq(applicationId, id)).toBe(seq);
    };
    for (let sent = 0; sent < BROADCASTS; sent++) await broadcast();
    await sql`analyze`.execute(room.database.kysely);
    await broadcast();
    const before = await settled(room, BROADCASTS);
    for (let sent = 0; sent < FEW; sent++) await broadcast();
    const read = (await settled(room, before + FEW)) - before;
    // About forty for each. A statement that reads a table reads a thousand more.
    expect(read / FEW).toBeLessThan(BROADCASTS / 10);
  });
});
