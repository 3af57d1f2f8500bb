import { Kysely, PostgresDialect, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tables } from '../../../src/database/tables.js';
import { OUTCOME } from '../../../src/delivery/outcome.js';
import type { OutcomeName } from '../../../src/delivery/outcome.js';
import { ResendRepository } from '../../../src/delivery/expand/resend.repository.js';
import { Room, batchOf, recordAll } from './room.js';

const PATTERN: readonly OutcomeName[] = ['accepted', 'rejected', 'unknown', 'failed', 'unknown', 'accepted', 'failed'];

describe('a resend', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.open();
  });
  afterAll(() => room.remove());

  /** A finished broadcast with an outcome per device. */
  async function finished(count: number, outcomeOf: (seq: number) => OutcomeName) {
    const applicationId = await room.addApplication();
    const seqs = await room.addDevices(applicationId, count);
    await sql`update device set provider = 'fcm' where application_id = ${applicationId} and seq % 10 = 0`.execute(
      room.database.kysely,
    );
    const message = await room.accept(applicationId, null);
    while ((await room.expansions.expandPage(message.seq)).more);
    for (const { id } of await room.batchRows(message.seq)) {
      await sql`update batch set state = 'ready', due_at = now() where id = ${id}`.execute(room.database.kysely);
      const batch = await room.claim(id);
      for (const position of batch.due)
        batch.ledger.record(position, { outcome: OUTCOME[outcomeOf(batch.deviceSeqs[position] ?? 0)] }, true);
      await room.batches.finish(batch, { state: 'done', waitMs: null });
    }
    expect((await room.messageRow(message.seq)).finished_at).not.toBeNull();
    const having = (...wanted: OutcomeName[]) => seqs.filter((seq) => wanted.includes(outcomeOf(seq)));
    return { ...message, applicationId, seqs, having };
  }
  const resend = (original: { applicationId: string; id: string }, outcomes: OutcomeName[]) =>
    room.accept(original.applicationId, null, { resend: { of: original.id, outcomes } });
  const audienceOf = async (messageSeq: number) =>
    (await room.batchRows(messageSeq)).flatMap((row) => row.device_seqs).toSorted((a, b) => a - b);

  it('reaches exactly the deliveries with the outcomes, each once, with a kill and a race on the way', async () => {
    const original = await finished(15_500, (seq) => PATTERN[seq % PATTERN.length] ?? 'accepted');
    const expected = original.having('rejected', 'unknown', 'failed');
    const again = await resend(original, ['rejected', 'unknown', 'failed']);
    expect((await room.expansions.expandPage(again.seq)).more).toBe(true);

    // Killed during a page: its batches are written, its cursor is not.
    const before = await room.messageRow(again.seq);
    await room.database.pool.query(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'killed'; end $$;
      create trigger killed before update on message for each row execute function refuse()`);
    await expect(room.expansions.expandPage(again.seq)).rejects.toThrow('killed');
    await room.database.pool.query('drop trigger killed on message; drop function refuse');
    expect(await room.messageRow(again.seq)).toEqual(before);

    const expand = async () => {
      while ((await room.expansions.expandPage(again.seq)).more);
    };
    await Promise.all([expand(), expand()]);
    expect(await audienceOf(again.seq)).toEqual(expected);
    expect(await room.messageRow(again.seq)).toMatchObject({ state: 'sending', audience: expected.length });
    for (const row of await room.batchRows(again.seq)) {
      expect(row.size).toBeLessThanOrEqual(1_000);
      expect([row.first_seq, row.last_seq]).toEqual([row.device_seqs[0], row.device_seqs.at(-1)]);
      expect(row.device_seqs.every((seq) => (seq % 10 === 0) === (row.provider === 'fcm'))).toBe(true);
    }
    const [report, first] = await Promise.all(
      [again, original].map(({ id }) => room.reports.find(original.applicationId, id, Date.now())),
    );
    expect([report?.resendOf, first?.resends]).toEqual([original.id, [again.id]]);
  });

  it('takes as many deliveries as its report said before, of each choice of outcomes', async () => {
    const original = await finished(
      10_000,
      (seq) => (['failed', 'unknown', 'accepted', 'accepted'] as const)[seq % 4]!,
    );
    const before = await room.reports.find(original.applicationId, original.id, Date.now());
    expect(before?.outcomes).toMatchObject({ failed: 2_500, unknown: 2_500, accepted: 5_000 });
    for (const outcomes of [['failed'], ['failed', 'unknown']] as OutcomeName[][]) {
      const again = await resend(original, outcomes);
      while ((await room.expansions.expandPage(again.seq)).more);
      const report = await room.reports.find(original.applicationId, again.id, Date.now());
      expect(report?.audience).toBe(outcomes.reduce((sum, name) => sum + before!.outcomes[name], 0));
      expect(await audienceOf(again.seq)).toEqual(original.having(...outcomes));
    }
    expect((await room.reports.find(original.applicationId, original.id, Date.now()))?.outcomes).toEqual(
      before?.outcomes,
    );
  });

  it("goes to the device's present registration; removed devices stay in the report", async () => {
    const original = await finished(6, () => 'failed');
    const [gone = 0, moved = 0] = original.seqs;
    await sql`delete from device where seq = ${gone}`.execute(room.database.kysely);
    await sql`update device set provider = 'wns' where seq = ${moved}`.execute(room.database.kysely);
    const again = await resend(original, ['failed']);
    await room.expansions.expandPage(again.seq);
    expect(await audienceOf(again.seq)).toEqual(original.seqs);
    const wns = (await room.batchRows(again.seq)).filter((row) => row.provider === 'wns');
    expect(wns.map((row) => row.device_seqs)).toEqual([[moved]]);
  });

  it('lives as long as its original could be delivered, without the wait for its time', async () => {
    const applicationId = await room.addApplication();
    const [acceptedAt, sendAt, expiresAt] = [1, 3, 4].map((hour) => new Date(Date.UTC(2026, 10, 25, hour)));
    const { id } = await room.accept(applicationId, null, { acceptedAt, sendAt, expiresAt });
    expect((await room.messages.findOriginal(applicationId, id))?.lifetimeMs).toBe(3_600_000);
  });

  it('without recipients ends at once; a resend of a resend counts from the latter', async () => {
    const original = await finished(20, (seq) => (seq % 2 === 0 ? 'unknown' : 'accepted'));
    const nobody = await resend(original, ['expired']);
    await room.expansions.expandPage(nobody.seq);
    expect(await room.messageRow(nobody.seq)).toMatchObject({ state: 'finished', audience: 0 });

    const again = await resend(original, ['unknown']);
    await room.expansions.expandPage(again.seq);
    for (const { id } of await room.batchRows(again.seq)) {
      const batch = await room.claim(id);
      recordAll(batch, 'failed');
      await room.batches.finish(batch, { state: 'done', waitMs: null });
    }
    const third = await resend({ applicationId: original.applicationId, id: again.id }, ['failed', 'unknown']);
    await room.expansions.expandPage(third.seq);
    expect(await audienceOf(third.seq)).toEqual(original.having('unknown'));
  });

  it('of a removed message is refused', async () => {
    const applicationId = await room.addApplication();
    await expect(resend({ applicationId, id: 'Gone0000' }, ['failed'])).rejects.toThrow('the message does not exist');
  });

  it('of one delivery in a million finds its page by an index', async () => {
    const applicationId = await room.addApplication();
    const message = await room.accept(applicationId, [batchOf(1)]);
    // The report of a million deliveries, of which every hundredth batch has one that failed, and as many of another
    // message.
    const other = await room.accept(applicationId, [batchOf(1)]);
    for (const { seq } of [message, other])
      await sql`
        insert into batch (message_seq, application_id, provider, state, size, first_seq, last_seq, device_seqs, outcomes,
          counts, details)
        select ${seq}, ${applicationId}, 'apns', 'done', 1000, n * 1000, n * 1000 + 999,
          case when n % 100 = 0 then array(select generate_series(n * 1000, n * 1000 + 999)) else '{}'::bigint[] end,
          case when n % 100 = 0 then decode('04' || repeat('02', 999), 'hex') else decode(repeat('02', 1000), 'hex') end,
          case when n % 100 = 0 then array[0,0,999,0,1,0,0,0] else array[0,0,1000,0,0,0,0,0] end, '{}'
        from generate_series(1, 1000) as n`.execute(room.database.kysely);
    await sql`analyze batch`.execute(room.database.kysely);

    const seen: { sql: string; parameters: readonly unknown[] }[] = [];
    const watched = new Kysely<Tables>({
      dialect: new PostgresDialect({ pool: room.database.pool }),
      log: ({ query }) => void seen.push(query),
    });
    const original = { applicationId, id: message.id };
    const page = await new ResendRepository(room.audience).page(original, [OUTCOME.failed], 0, watched);
    expect(page.members.map(({ seq }) => seq)).toEqual(Array.from({ length: 10 }, (_, n) => (n + 1) * 100_000));
    expect(page.more).toBe(false);

    expect(seen).toHaveLength(2);
    for (const query of seen) {
      const { rows } = await room.database.pool.query<Record<string, string>>(`explain ${query.sql}`, [
        ...query.parameters,
      ]);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).not.toMatch(/Seq Scan on (batch|message)/);
      expect(plan).toMatch(/batch_message|device_pkey|Scan on device/);
    }
  });
});
