import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BATCH_SIZE } from '../../../src/delivery/batching.js';
import { Room } from './room.js';

function byProvider(members: readonly { seq: number; provider: string }[]): Record<string, number[]> {
  const lists: Record<string, number[]> = {};
  for (const { seq, provider } of members) (lists[provider] ??= []).push(seq);
  return lists;
}

describe('expansion', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.open();
  });
  afterAll(() => room.remove());

  /** Devices: one in ten at FCM, one in a hundred at the sandbox, and one in a thousand retired. */
  async function addDevices(applicationId: string, count: number): Promise<void> {
    await sql`
      insert into device (application_id, device_id, platform, provider, token, token_hash, registered_at, updated_at,
        retired_reason)
      select ${applicationId}, 'd' || n, 'A', case when n % 100 = 5 then 'sandbox' when n % 10 = 3 then 'fcm' else 'apns' end,
        't' || n, sha256(('t' || n)::bytea), now(), now(), case when n % 1000 = 7 then 'gone' end
      from generate_series(1, ${sql.lit(count)}) as n`.execute(room.database.kysely);
  }

  /** Every device of a broadcast, by provider, in order. */
  async function expected(applicationId: string): Promise<Record<string, number[]>> {
    const { rows } = await sql<{ seq: number; provider: string }>`
      select seq, provider from device where application_id = ${applicationId} and retired_reason is null
      order by seq`.execute(room.database.kysely);
    return byProvider(rows);
  }

  async function found(seq: number): Promise<Record<string, number[]>> {
    const rows = await room.batchRows(seq);
    return byProvider(
      rows.flatMap((row) => row.device_seqs.map((member) => ({ seq: member, provider: row.provider }))),
    );
  }

  it('waits for a batch of the message that is ending', async () => {
    const applicationId = await room.addApplication();
    await addDevices(applicationId, 50);
    const { seq } = await room.accept(applicationId, null);
    let settled = false;
    const held = await room.database.kysely.transaction().execute(async (transaction) => {
      // Locked as at the end of a batch.
      await transaction.selectFrom('message').select('seq').where('seq', '=', seq).forUpdate().execute();
      const page = room.expansions.expandPage(seq).finally(() => (settled = true));
      await vi.waitFor(async () => expect(settled || (await countWaiting()) > 0).toBe(true), { timeout: 20_000 });
      return { page };
    });
    expect((await held.page).promoted.length).toBeGreaterThan(0);
    expect(await room.messageRow(seq)).toMatchObject({ state: 'sending', audience: 49 });
  });

  /** Sessions of this database that wait for a lock. */
  async function countWaiting(): Promise<number> {
    const { rows } = await sql<{ waiting: number }>`select count(*)::int as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(room.database.kysely);
    return rows[0]?.waiting ?? 0;
  }

  it('pages through more than 20,000 devices, each once, with a kill and a race on the way', async () => {
    const applicationId = await room.addApplication();
    const stranger = await room.addApplication();
    await addDevices(applicationId, 20_500);
    await addDevices(stranger, 100);
    const audience = await expected(applicationId);
    const size = Object.values(audience).reduce((sum, seqs) => sum + seqs.length, 0);
    const { seq } = await room.accept(applicationId, null);

    const first = await room.expansions.expandPage(seq);
    expect(first.more).toBe(true);
    expect(await room.messageRow(seq)).toMatchObject({ state: 'expanding', audience: 10_000 });
    // Registered after the audience was frozen.
    await sql`insert into device (application_id, device_id, platform, provider, token, token_hash, registered_at, updated_at)
      values (${applicationId}, 'late', 'A', 'apns', 'late', 'late', now(), now())`.execute(room.database.kysely);

    // Killed during a page: its batches are written, its cursor is not.
    const before = await room.messageRow(seq);
    await room.database.pool.query(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'killed'; end $$;
      create trigger killed before update on message for each row execute function refuse()`);
    await expect(room.expansions.expandPage(seq)).rejects.toThrow('killed');
    await room.database.pool.query('drop trigger killed on message; drop function refuse');
    expect(await room.messageRow(seq)).toEqual(before);

    // Three workers at once, until each has nothing left to do.
    const expand = async () => {
      while ((await room.expansions.expandPage(seq)).more);
    };
    await Promise.all([expand(), expand(), expand()]);

    expect(await found(seq)).toEqual(audience);
    const rows = await room.batchRows(seq);
    expect(await room.messageRow(seq)).toMatchObject({ state: 'sending', audience: size, open_batches: rows.length });
    for (const row of rows) {
      expect(row.size).toBeLessThanOrEqual(BATCH_SIZE);
      expect([row.size, row.first_seq, row.last_seq]).toEqual([
        row.device_seqs.length,
        row.device_seqs[0],
        row.device_seqs.at(-1),
      ]);
      expect([row.outcomes, row.counts]).toEqual([Buffer.alloc(row.size), [row.size, 0, 0, 0, 0, 0, 0, 0]]);
    }
    expect(await room.expansions.expandPage(seq)).toEqual({ promoted: [], more: false });
  });

  it('an audience of exactly one page ends with the empty page after it', async () => {
    const applicationId = await room.addApplication();
    await addDevices(applicationId, 10_011);
    const { seq } = await room.accept(applicationId, null);
    expect((await room.expansions.expandPage(seq)).more).toBe(true);
    expect(await room.expansions.expandPage(seq)).toMatchObject({ more: false });
    expect(await room.messageRow(seq)).toMatchObject({ state: 'sending', audience: 10_000 });
  });

  it('returns the batches that may be queued', async () => {
    const applicationId = await room.addApplication();
    await addDevices(applicationId, 200);
    const { seq } = await room.accept(applicationId, null);
    const { promoted, more } = await room.expansions.expandPage(seq);
    expect(more).toBe(false);
    expect(promoted.map((batch) => batch.provider).toSorted()).toEqual(['apns', 'fcm', 'sandbox']);
    expect(await room.countByState(seq)).toEqual({ ready: 3 });
  });

  it('ends without recipients', async () => {
    const { seq } = await room.accept(await room.addApplication(), null);
    expect(await room.expansions.expandPage(seq)).toEqual({ promoted: [], more: false });
    const row = await room.messageRow(seq);
    expect(row).toMatchObject({ state: 'finished', audience: 0 });
    expect(row.finished_at).toBeInstanceOf(Date);
  });

  it('a cancelled message expands no further', async () => {
    const applicationId = await room.addApplication();
    await addDevices(applicationId, 50);
    const { seq, id } = await room.accept(applicationId, null);
    await room.control.cancel(applicationId, id);
    expect(await room.expansions.expandPage(seq)).toEqual({ promoted: [], more: false });
    expect(await room.batchRows(seq)).toEqual([]);
    expect(await room.messageRow(seq)).toMatchObject({ state: 'cancelled', audience: 0 });
  });
});
