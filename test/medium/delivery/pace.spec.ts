import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProviderStatusRepository } from '../../../src/applications/provider-status.repository.js';
import type { ClaimTerms } from '../../../src/delivery/deliver/claim-row.repository.js';
import type { ProviderName } from '../../../src/providers/provider.js';
import { Room, batchOf, recordAll } from './room.js';

const MINUTE = 60_000;
const RAMP: ClaimTerms = { needsSettings: false, ramp: { from: 100, to: 1_000, overMs: MINUTE } };
const PLAIN: ClaimTerms = { needsSettings: false };
const SANDBOX: ProviderName = 'sandbox';

describe('the pace', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.open();
  });
  afterAll(() => room.remove());

  /** An application that was told to slow down at this rate and may send again. */
  async function slowApplication(rate: number): Promise<string> {
    const applicationId = await room.addApplication();
    await room.pace.slowDown({ applicationId, provider: SANDBOX }, Date.now() - 1, 1_000);
    await sql`update pace set per_second = ${rate} where application_id = ${applicationId}`.execute(
      room.database.kysely,
    );
    return applicationId;
  }

  async function batches(applicationId: string, count: number, size: number, urgent = false): Promise<number[]> {
    const rows = Array.from({ length: count }, (_, index) => batchOf(size, SANDBOX, index * size + 1));
    return (await room.accept(applicationId, rows, { urgent })).batchIds;
  }

  const claim = (id: number, terms = PLAIN) => room.claims.claim(id, terms, Date.now());
  const dueAt = async (id: number) => (await room.batchRow(id)).due_at?.getTime() ?? NaN;
  const paceRow = (applicationId: string) =>
    room.database.kysely.selectFrom('pace').selectAll().where('application_id', '=', applicationId).executeTakeFirst();

  it('without a limit there is no row, and a claim takes its whole batch', async () => {
    const applicationId = await room.addApplication();
    const [id = 0] = await batches(applicationId, 1, 500);
    expect((await claim(id)) as object).toMatchObject({ due: { length: 500 } });
    expect(await paceRow(applicationId)).toBeUndefined();
  });

  it('a turn has one second’s worth; the rest of the batch and the next batch wait for theirs, in order', async () => {
    const applicationId = await slowApplication(50);
    const [first = 0, second = 0, third = 0] = await batches(applicationId, 3, 80);
    const before = Date.now();
    const leased = await claim(first);
    if (!leased || !('due' in leased)) return expect.unreachable('the first turn is now');
    // A little more than 50: the rate recovers from the moment of the cut.
    expect(leased.due.length).toBe(51);
    expect((await room.batchRow(first)).counts).toEqual([29, 51, 0, 0, 0, 0, 0, 0]);

    for (const id of [second, third]) expect(await claim(id)).toHaveProperty('delayMs');
    const times = [await dueAt(second), await dueAt(third)].map((time) => time - before);
    expect(times[0]).toBeGreaterThan(900);
    expect(times[0]).toBeLessThan(3_000);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeCloseTo(1_019, -3);
    const row = await room.batchRow(second);
    expect(row).toMatchObject({ state: 'ready', has_slot: true, epoch: 1 });
    expect(row.counts).toEqual([80, 0, 0, 0, 0, 0, 0, 0]);

    // At its time it is claimed without another turn.
    await sql`update batch set due_at = now() where id = ${second}`.execute(room.database.kysely);
    const slot = (await paceRow(applicationId))?.slot_at;
    expect(await claim(second)).toMatchObject({ due: { length: 51 } });
    expect((await paceRow(applicationId))?.slot_at).toEqual(slot);
    // Its turn is used up.
    expect((await room.batchRow(second)).has_slot).toBe(false);
  });

  it('many simultaneous claims of all processes keep the rate together', async () => {
    const applicationId = await slowApplication(100);
    const ids = await batches(applicationId, 12, 100);
    const claims = await Promise.all(ids.map((id) => claim(id)));
    const started = claims.filter((batch) => batch && 'due' in batch);
    const postponed = claims.flatMap((batch) => (batch && 'delayMs' in batch ? [batch.id] : []));
    const times = await Promise.all(postponed.map(dueAt));
    expect(started).toHaveLength(1);
    expect(times).toHaveLength(11);
    const gaps = times.toSorted((a, b) => a - b).map((time, index, all) => time - (all[index - 1] ?? time));
    for (const gap of gaps.slice(1)) expect(gap).toBeGreaterThan(900);
  });

  it('an urgent batch waits for no turn and is counted', async () => {
    const applicationId = await slowApplication(10);
    const [broadcast = 0] = await batches(applicationId, 1, 100);
    const [direct = 0] = await batches(applicationId, 1, 20, true);
    await claim(broadcast);
    const before = (await paceRow(applicationId))?.slot_at.getTime() ?? 0;
    expect(await claim(direct)).toMatchObject({ due: { length: 20 } });
    expect(((await paceRow(applicationId))?.slot_at.getTime() ?? 0) - before).toBeCloseTo(2_000, -2);
  });

  it("sends nothing before the provider's time, also an urgent message; then slower", async () => {
    const applicationId = await room.addApplication();
    const [first = 0, second = 0] = await batches(applicationId, 2, 1, true);
    const until = Date.now() + 30_000;
    await room.pace.slowDown({ applicationId, provider: SANDBOX }, until, 1_000);
    // A later wait extends the time, an earlier one does not shorten it, and both are one cut.
    await room.pace.slowDown({ applicationId, provider: SANDBOX }, until - 20_000, 1_000);
    for (const id of [first, second]) {
      expect(await claim(id)).toHaveProperty('delayMs');
      expect(await dueAt(id)).toBeCloseTo(until, -3);
    }
    const row = await paceRow(applicationId);
    expect(row?.blocked_until?.getTime()).toBeCloseTo(until, -3);
    expect(row?.per_second).toBeCloseTo(700);
    expect((await room.batchRow(first)).has_slot).toBe(false);
  });

  it('cuts the sum of the rates that all processes report', async () => {
    const applicationId = await room.addApplication();
    const processes = { a: { rate: 300 }, b: { rate: 200 } };
    await room.database.kysely
      .insertInto('provider_status')
      .values({ application_id: applicationId, provider: SANDBOX, processes: JSON.stringify(processes) })
      .execute();
    await room.pace.slowDown({ applicationId, provider: SANDBOX }, Date.now(), 10);
    expect((await paceRow(applicationId))?.per_second).toBeCloseTo(350);
  });

  it('starts gradually at a provider that asks for it, until its traffic is old', async () => {
    const applicationId = await room.addApplication();
    const [first = 0, second = 0, third = 0, fourth = 0] = await batches(applicationId, 4, 200);
    const [direct = 0] = await batches(applicationId, 1, 200, true);
    expect(await claim(direct, RAMP)).toMatchObject({ due: { length: 200 } });
    expect(await paceRow(applicationId)).toBeUndefined();

    // Several begin at once: the row is created once.
    const [one, other] = await Promise.all([claim(first, RAMP), claim(second, RAMP)]);
    const due = [one, other].flatMap((batch) => (batch && 'due' in batch ? [batch.due.length] : []));
    expect(due).toHaveLength(1);
    expect(due[0]).toBeLessThan(110);

    const lapse = sql`update pace set lapses_at = now(), slot_at = now() where application_id = ${applicationId}`;
    await lapse.execute(room.database.kysely);
    await room.database.kysely
      .insertInto('provider_status')
      .values({ application_id: applicationId, provider: SANDBOX, processes: '{}', last_success_at: new Date() })
      .execute();
    expect(await claim(third, RAMP)).toMatchObject({ due: { length: 200 } });

    const idle = sql`update provider_status set last_success_at = now() - interval '11 minutes'
      where application_id = ${applicationId}`;
    await idle.execute(room.database.kysely);
    const again = await claim(fourth, RAMP);
    expect(again && 'due' in again ? again.due.length : Infinity).toBeLessThan(110);
  });

  /** Two processes report that the provider accepts these deliveries a second. */
  async function reportRates(applicationId: string, rates: number[], settingsVersion = 0): Promise<void> {
    const statuses = new ProviderStatusRepository(room.database);
    for (const [index, rate] of rates.entries()) {
      const process = { connections: 1, streams: 1, inFlight: 0, rate, settingsVersion, reportedAt: Date.now() };
      const report = { lastSuccessAt: Date.now(), lastError: null, process };
      await statuses.report(applicationId, SANDBOX, `process ${index}`, report);
    }
  }

  async function provenRate(applicationId: string): Promise<number> {
    const query = room.database.kysely.selectFrom('provider_status').select('proven_rate');
    return (await query.where('application_id', '=', applicationId).executeTakeFirst())?.proven_rate ?? 0;
  }

  async function startAfterDays(applicationId: string, days: number): Promise<number> {
    const ago = sql`now() - make_interval(days => ${days}::integer)`;
    await sql`update provider_status set proven_at = ${ago}, last_success_at = ${ago}
      where application_id = ${applicationId}`.execute(room.database.kysely);
    await sql`update pace set lapses_at = now(), blocked_until = null, slot_at = now()
      where application_id = ${applicationId}`.execute(room.database.kysely);
    const [id = 0] = await batches(applicationId, 1, 1_000);
    const claimed = await claim(id, RAMP);
    return claimed && 'due' in claimed ? claimed.due.length : NaN;
  }

  it('starts a day later with the rate that all processes together were accepted at', async () => {
    const applicationId = await room.addApplication();
    await reportRates(applicationId, [300, 400]);
    await reportRates(applicationId, [20, 10]);
    expect(await provenRate(applicationId)).toBeCloseTo(700);
    expect(await startAfterDays(applicationId, 1)).toBeCloseTo(556, -1);
    expect(await startAfterDays(applicationId, 60)).toBeLessThan(110);
  });

  it('starts slowly with new settings, also directly after the traffic with the former ones', async () => {
    const applicationId = await room.addApplication();
    await reportRates(applicationId, [300, 400], 7);
    expect(await startAfterDays(applicationId, 0)).toBeLessThan(110);
    // A process that still sends with the former settings proves nothing for the new ones.
    await reportRates(applicationId, [0, 200]);
    expect(await provenRate(applicationId)).toBeCloseTo(200);
  });

  it('remembers no more than the provider accepted after it asked for less', async () => {
    const applicationId = await room.addApplication();
    await reportRates(applicationId, [300, 700]);
    await room.pace.slowDown({ applicationId, provider: SANDBOX }, Date.now(), 100);
    expect(await provenRate(applicationId)).toBeCloseTo(700);
    // These deliveries were accepted before the refusal.
    await reportRates(applicationId, [300, 700]);
    expect(await provenRate(applicationId)).toBeCloseTo(700);
    expect(await startAfterDays(applicationId, 1)).toBeCloseTo(556, -1);
  });

  it('a batch continues with its next turn after a part', async () => {
    const applicationId = await slowApplication(50);
    const [id = 0] = await batches(applicationId, 1, 60);
    const leased = await room.claim(id);
    recordAll(leased, 'accepted');
    expect(leased.ledger.nextDue(Date.now())).toBe(0);
    await room.batches.finish(leased, { state: 'ready', waitMs: -1 });
    const postponed = await claim(id);
    expect(postponed && 'delayMs' in postponed).toBe(true);
    await sql`update batch set due_at = now() where id = ${id}`.execute(room.database.kysely);
    const rest = await room.claim(id);
    expect(rest.due).toEqual([51, 52, 53, 54, 55, 56, 57, 58, 59]);
  });

  it('batches with their own turn count in the window', async () => {
    const applicationId = await slowApplication(1_000);
    const ids = await batches(applicationId, 70, 1_000);
    for (const id of ids.slice(0, 3)) await claim(id);
    expect(await room.batches.promote(applicationId, [SANDBOX])).toEqual([]);
  });
});
