import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RetentionRepository } from '../../../src/delivery/upkeep/retention.repository.js';
import { ReceiptRepository } from '../../../src/messages/receipts/receipt.repository.js';
import type { NewReceipt } from '../../../src/messages/receipts/receipt.repository.js';
import { Room } from '../delivery/room.js';

/** The statement of receipts and the rows that it leaves; the routes are in test/e2e/receipts.spec.ts. */
describe('receipts', () => {
  let room: Room;
  let receipts: ReceiptRepository;
  let applicationId: string;
  let seqs: number[];
  beforeAll(async () => {
    room = await Room.open();
    receipts = new ReceiptRepository(room.database);
  });
  afterAll(() => room.remove());
  beforeEach(async () => {
    applicationId = await room.addApplication();
    seqs = await room.addDevices(applicationId, 3);
  });

  const of = (messageId: string, number: number, ...names: string[]): NewReceipt => ({
    ...{ applicationId, messageId, names },
    by: { deviceId: `d${number}` },
  });
  const toAll = () => room.accept(applicationId, [{ provider: 'sandbox', deviceSeqs: seqs }]);
  async function counts(messageSeq: number): Promise<Record<string, number>> {
    const { rows } = await sql<{ name: string; count: number }>`
      select name, count from receipt_count where message_seq = ${messageSeq}`.execute(room.database.kysely);
    return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
  }
  async function rowsOf(messageSeq: number): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      select count(*)::integer as count from receipt where message_seq = ${messageSeq}`.execute(room.database.kysely);
    return rows[0]!.count;
  }

  it('lots that overlap in any order count each kind of a device once', async () => {
    const { id, seq } = await toAll();
    const kinds = ['displayed', 'opened', 'action:a'];
    const all = [1, 2, 3].flatMap((number) => kinds.map((name) => of(id, number, name)));
    await Promise.all([all, all.toReversed(), all, all.toReversed()].map((lot) => receipts.add(lot)));
    expect(await counts(seq)).toEqual({ displayed: 3, opened: 3, 'action:a': 3 });
    expect(await rowsOf(seq)).toBe(3);
  });

  it('a device keeps at most a bounded number of actions', async () => {
    const { id, seq } = await toAll();
    for (let number = 0; number < 40; number++) await receipts.add([of(id, 1, 'displayed', `action:${number}`)]);
    expect(Object.keys(await counts(seq)).length).toBe(16);
  });

  it('the place of a delivery finds its device, in its message alone', async () => {
    const { id, seq, batchIds } = await toAll();
    const other = await toAll();
    const by = { batchId: batchIds[0]!, position: 2 };
    const [one, wrong, beyond] = await receipts.add([
      { applicationId, messageId: id, by, names: ['displayed'] },
      { applicationId, messageId: other.id, by, names: ['displayed'] },
      { applicationId, messageId: id, by: { ...by, position: 3 }, names: ['displayed'] },
    ]);
    expect([one?.reached, wrong?.reached, beyond?.reached]).toEqual([true, false, false]);
    const { rows } = await sql<{ device_seq: number }>`
      select device_seq from receipt where message_seq = ${seq}`.execute(room.database.kysely);
    expect(rows).toEqual([{ device_seq: seqs[2] }]);
    expect(await counts(other.seq)).toEqual({});
  });

  it('the receipts of a device go with it, and the counts stay', async () => {
    const { id, seq } = await toAll();
    await receipts.add([of(id, 1, 'displayed'), of(id, 2, 'displayed')]);
    await sql`delete from device where seq = ${seqs[0]!}`.execute(room.database.kysely);
    expect([await rowsOf(seq), await counts(seq)]).toEqual([1, { displayed: 2 }]);
  });

  it('receipts and counts go with the message, whose receipts are refused from then on', async () => {
    const { id, seq } = await toAll();
    await receipts.add([of(id, 1, 'displayed')]);
    await sql`update message set state = 'finished', finished_at = now() - interval '9 days' where seq = ${seq}`.execute(
      room.database.kysely,
    );
    await new RetentionRepository(room.database).removeMessages(new Date(Date.now() - 8 * 86_400_000));
    expect([await rowsOf(seq), await counts(seq)]).toEqual([0, {}]);
    expect(await receipts.add([of(id, 1, 'opened')])).toEqual([{ hasMessage: false, hasDevice: true, reached: false }]);
  });

  it('the counts of the statistics are what the receipts added', async () => {
    const { id } = await toAll();
    for (let times = 0; times < 2; times++)
      await receipts.add([of(id, 1, 'displayed', 'opened'), of(id, 2, 'displayed', 'action:a')]);
    const { rows } = await sql<{ counts: number[] }>`
      select counts from statistic_change where application_id = ${applicationId} and name = 'receipt'`.execute(
      room.database.kysely,
    );
    expect(rows).toEqual([{ counts: [2, 1, 0, 1] }]);
  });
});
