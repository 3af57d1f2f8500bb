import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OUTCOME } from '../../../src/delivery/outcome.js';
import type { OutcomeName } from '../../../src/delivery/outcome.js';
import { SETTLED_NAMES, STEPS, toPoints } from '../../../src/statistics/points.js';
import type { Point, Step } from '../../../src/statistics/points.js';
import { StatisticRepository } from '../../../src/statistics/statistic.repository.js';
import { Room, batchOf, recordAll } from '../delivery/room.js';

type Counts = Record<string, Record<string, number>>;

describe('statistics', () => {
  let room: Room;
  let statistics: StatisticRepository;
  beforeAll(async () => {
    room = await Room.open();
    statistics = new StatisticRepository(room.database);
  });
  afterAll(() => room.remove());
  beforeEach(async () => {
    for (const table of ['statistic', 'statistic_change'])
      await sql`delete from ${sql.table(table)}`.execute(room.database.kysely);
  });

  async function pointsOf(applicationId: string | null, step: Step = 'minute'): Promise<Point[]> {
    const ms = STEPS[step];
    const to = Math.ceil((Date.now() + 1) / ms) * ms;
    const range = { from: to - 2 * ms, to, step };
    return toPoints(range, await statistics.read(applicationId, range));
  }

  /** The sums over all points. */
  async function totals(applicationId: string | null, step: Step = 'minute') {
    const points = await pointsOf(applicationId, step);
    const outcomes: Counts = {};
    for (const point of points)
      for (const [provider, counts] of Object.entries(point.outcomes))
        for (const [name, count] of Object.entries(counts)) {
          const sums = (outcomes[provider] ??= {});
          sums[name] = (sums[name] ?? 0) + count;
        }
    const sum = (of: (point: Point) => number) => points.reduce((total, point) => total + of(point), 0);
    return {
      accepted: sum((point) => point.accepted),
      registrations: sum((point) => point.registrations),
      outcomes: withoutZeros(outcomes),
    };
  }

  /** The outcomes of these messages by their reports. */
  async function reported(applicationId: string, ids: readonly string[]): Promise<Counts> {
    const outcomes: Counts = {};
    for (const id of ids) {
      const report = await room.reports.find(applicationId, id, Date.now());
      for (const [provider, counts] of Object.entries(report?.providers ?? {}))
        for (const name of SETTLED_NAMES) {
          const sums = (outcomes[provider] ??= {});
          sums[name] = (sums[name] ?? 0) + counts[name];
        }
    }
    return withoutZeros(outcomes);
  }

  /** One of each way in which outcomes are recorded. Returns the ids of the messages. */
  async function sendMixed(applicationId: string): Promise<string[]> {
    const cycle: OutcomeName[] = ['accepted', 'failed', 'rejected', 'accepted', 'unknown'];
    const mixed = await room.accept(applicationId, [batchOf(50), batchOf(40, 'fcm', 100)], { urgent: true });
    for (const id of mixed.batchIds) {
      const batch = await room.claim(id);
      for (const position of batch.due.slice(0, 20))
        batch.ledger.record(position, { outcome: OUTCOME[cycle[position % 5]!] }, true);
      await room.batches.checkpoint(batch);
      // The answer of a checkpoint was lost, and it is repeated.
      await room.batches.checkpoint(batch);
      for (const position of batch.due.slice(20)) batch.ledger.record(position, { outcome: OUTCOME.accepted }, true);
      await room.batches.finish(batch, { state: 'done', waitMs: null });
    }
    const single = await room.accept(applicationId, [batchOf(1)], { urgent: true });
    const lot = await room.urgent.claimLot([{ id: single.batchIds[0]!, needsSettings: false, now: Date.now() }]);
    recordAll(lot[0]!, 'accepted');
    await room.urgent.endLot([lot[0]!, lot[0]!]);
    const cancelled = await room.accept(applicationId, [batchOf(7)], { urgent: true });
    await room.control.cancel(applicationId, cancelled.id);
    await room.tryClaim(cancelled.batchIds[0]!);
    const lost = await room.accept(applicationId, [batchOf(5)], { urgent: true });
    await room.claim(lost.batchIds[0]!);
    await room.runOutLease(lost.batchIds[0]!);
    // The deliveries in flight of a lost worker are unknown, and repeated.
    const again = await room.claim(lost.batchIds[0]!);
    recordAll(again, 'accepted');
    await room.batches.finish(again, { state: 'done', waitMs: null });
    const expired = await room.accept(applicationId, [batchOf(3)], {
      urgent: true,
      expiresAt: new Date(Date.now() - 1_000),
    });
    await room.tryClaim(expired.batchIds[0]!);
    return [mixed.id, single.id, cancelled.id, lost.id, expired.id];
  }

  it('the sums are those of the reports, before, between and after folding, at each step and over all', async () => {
    const [one, other] = [await room.addApplication(), await room.addApplication()];
    const ids = await sendMixed(one);
    await room.addDevices(one, 12);
    const expected = { accepted: 5, registrations: 12, outcomes: await reported(one, ids) };
    expect(expected.outcomes).toMatchObject({ sandbox: { accepted: expect.any(Number) as number, unknown: 4 } });
    expect(await totals(one)).toEqual(expected);
    await statistics.fold();
    expect(await totals(one)).toEqual(expected);
    const more = [...ids, ...(await sendMixed(one))];
    const after = { accepted: 10, registrations: 12, outcomes: await reported(one, more) };
    for (const step of ['minute', 'hour', 'day'] as const) expect(await totals(one, step), step).toEqual(after);
    await statistics.fold();
    for (const step of ['minute', 'hour', 'day'] as const) expect(await totals(one, step), step).toEqual(after);
    const others = await sendMixed(other);
    const all = merged(await reported(one, more), await reported(other, others));
    expect(await totals(null)).toEqual({ accepted: 15, registrations: 12, outcomes: all });
    expect((await totals(other)).outcomes).toEqual(await reported(other, others));
  });

  it('processes that fold at once count each change once', async () => {
    const applicationId = await room.addApplication();
    await sql`
      insert into statistic_change (application_id, name, counts)
      select ${applicationId}, 'message', array[1] from generate_series(1, 20000)`.execute(room.database.kysely);
    const keep = async () => {
      while (await statistics.fold());
    };
    await Promise.all([keep(), keep(), keep(), keep()]);
    await keep();
    expect(await totals(applicationId)).toMatchObject({ accepted: 20_000 });
    expect(await totals(null, 'day')).toMatchObject({ accepted: 20_000 });
  });

  it('forgets minutes and hours by their age and keeps days; a removed application counts for all only', async () => {
    const applicationId = await room.addApplication();
    await sql`
      insert into statistic_change (application_id, at, name, counts)
      select owner, now() - make_interval(days => days), 'message', array[1]
      from unnest(array[0, 2, 4, 99, 101]) as days, unnest(array[${applicationId}, 'com.example.gone']) as owner
    `.execute(room.database.kysely);
    await statistics.fold();
    expect(await statistics.forget('minute')).toBe(false);
    expect(await statistics.forget('hour')).toBe(false);
    const { rows } = await sql<{ owner: string; step: number; rows: number }>`
      select application_id as owner, step, count(*)::int as rows from statistic group by 1, 2 order by 1, 2`.execute(
      room.database.kysely,
    );
    const kept = (owner: string) => [
      { owner, step: 60, rows: 2 },
      { owner, step: 3_600, rows: 4 },
      { owner, step: 86_400, rows: 5 },
    ];
    expect(rows).toEqual([...kept(''), ...kept(applicationId)]);
  });
});

function withoutZeros(counts: Counts): Counts {
  return Object.fromEntries(
    Object.entries(counts).map(([provider, sums]) => [
      provider,
      Object.fromEntries(Object.entries(sums).filter(([, count]) => count !== 0)),
    ]),
  );
}

function merged(one: Counts, other: Counts): Counts {
  const sums = structuredClone(one);
  for (const [provider, counts] of Object.entries(other))
    for (const [name, count] of Object.entries(counts)) {
      const into = (sums[provider] ??= {});
      into[name] = (into[name] ?? 0) + count;
    }
  return sums;
}
