import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { setWallClock } from '../../../src/common/clock.js';
import { OUTCOME } from '../../../src/delivery/outcome.js';
import { MessageRateRepository } from '../../../src/delivery/expand/message-rate.repository.js';
import type { ProviderName } from '../../../src/providers/provider.js';
import { Queues } from '../../../src/queue/queue.js';
import { GatedProvider, newWorker } from './gated-provider.js';
import { Room, batchOf } from './room.js';

/** The database's clock was an hour ahead and is right again; the rows have times of then. */

const HOUR = 3_600_000;
/** The clocks of process and database differ by milliseconds. */
const MARGIN = 5_000;
const SANDBOX: ProviderName = 'sandbox';

describe('a clock that went back an hour,', () => {
  let room: Room;
  let queues: Queues;
  beforeAll(async () => {
    room = await Room.open();
    queues = await Queues.open({}, room.database, () => undefined);
  });
  afterAll(async () => {
    await queues.close();
    await room.remove();
  });

  const run = (statement: RawBuilder<unknown>) => statement.execute(room.database.kysely);
  /** Moves the batches' times as if they had been written an hour ahead. */
  const writtenAhead = (ids: readonly number[]) =>
    run(sql`update batch set due_at = due_at + interval '1 hour', waits_since = waits_since + interval '1 hour',
      lease_until = lease_until + interval '1 hour', touched_at = touched_at + interval '1 hour'
      where id in (${sql.join(ids)})`);
  const waitsMs = async () => new Map((await room.sweep.waitAnew()).map(({ id, delayMs }) => [id, delayMs ?? 0]));

  it('sends at once what was due at once, and keeps the steps of a rate in order', async () => {
    const applicationId = await room.addApplication();
    const due = Date.now() + 60_000;
    const steps = [0, 10_000].map((ms) => ({ ...batchOf(1), due: due + ms }));
    const { batchIds: timed } = await room.accept(applicationId, steps);
    const { batchIds: direct } = await room.accept(applicationId, [batchOf(1)], { urgent: true });
    const [first = 0, second = 0, single = 0] = [...timed, ...direct];
    await writtenAhead([...timed, ...direct]);
    const waits = await waitsMs();
    expect(waits.get(single)).toBe(0);
    expect(waits.get(first)).toBeGreaterThan(30_000);
    expect(waits.get(first)).toBeLessThan(61_000);
    expect((waits.get(second) ?? 0) - (waits.get(first) ?? 0)).toBeCloseTo(10_000, -1);
    // The queue holds a job for the old time under the old name.
    expect((await room.batchRow(single)).epoch).toBe(1);
    expect(await waitsMs()).toEqual(new Map());
    expect(await room.tryClaim(single)).not.toBeNull();
  });

  it('keeps a long wait that was written by the right clock', async () => {
    const { batchIds } = await room.accept(await room.addApplication(), [{ ...batchOf(1), due: Date.now() + HOUR }]);
    expect(await waitsMs()).toEqual(new Map());
    expect((await room.batchRow(batchIds[0] ?? 0)).epoch).toBe(0);
  });

  it('sends nothing in a quiet time that was to be over', async () => {
    const now = Date.now();
    const quietEnd = now + 20 * 60_000;
    const { seq, batchIds } = await room.accept(await room.addApplication(), [{ ...batchOf(1), due: now + 1_000 }]);
    await run(sql`update message set quiet = ${JSON.stringify([[now - HOUR, quietEnd]])}::jsonb where seq = ${seq}`);
    await writtenAhead(batchIds);
    const waits = await waitsMs();
    expect(waits.get(batchIds[0] ?? 0)).toBeGreaterThan(15 * 60_000);
    expect(waits.get(batchIds[0] ?? 0)).toBeLessThan(21 * 60_000);
  });

  it('makes a retry that was planned by the wrong clock', async () => {
    const [id = 0] = (await room.accept(await room.addApplication(), [batchOf(1)], { urgent: true })).batchIds;
    const batch = await room.claim(id);
    batch.ledger.record(0, { outcome: OUTCOME.pending, reason: 'busy', retryAt: Date.now() + HOUR - MARGIN }, true);
    await room.batches.finish(batch, { state: 'ready', waitMs: 0 });
    await writtenAhead([id]);
    await room.sweep.waitAnew();
    expect((await room.claim(id)).due).toEqual([0]);
  });

  it('makes a retry of a worker that had not noticed the step when it recorded', async () => {
    const [id = 0] = (await room.accept(await room.addApplication(), [batchOf(1)], { urgent: true })).batchIds;
    setWallClock(Date.now() + HOUR, performance.now());
    const batch = await room.claim(id);
    batch.ledger.record(0, { outcome: OUTCOME.pending, reason: 'busy', retryAt: Date.now() + HOUR - MARGIN }, true);
    await room.batches.finish(batch, { state: 'ready', waitMs: 0 });
    setWallClock(Date.now(), performance.now());
    expect((await room.claim(id)).due).toEqual([0]);
  });

  it.each([
    ['steps back', 0],
    ['does not step back', HOUR],
  ])('keeps the distance of a retry if the clock stepped ahead during the send and is %s', async (_name, stays) => {
    const applicationId = await room.addApplication();
    const deviceSeqs = await room.addDevices(applicationId, 2);
    const change = { expiresAt: new Date(Date.now() + 48 * HOUR) };
    const { batchIds } = await room.accept(applicationId, [{ provider: SANDBOX, deviceSeqs }], change);
    const [id = 0] = batchIds;
    await room.batches.promote(applicationId, [SANDBOX]);
    const provider = Object.assign(new GatedProvider(), { writesBeforeGate: 1 });
    provider.verdict = { action: 'retryBackoff', reason: 'busy', firstMs: 5_000, floorMs: 5_000, capMs: 5_000 };
    provider.answered = () => setWallClock(Date.now() + stays, performance.now());
    setWallClock(Date.now(), performance.now());
    const sending = newWorker(room, queues, provider).deliverBatch(id, SANDBOX, 'broadcast');
    await vi.waitFor(() => expect(provider.waiting).toBe(true), { timeout: 20_000 });
    setWallClock(Date.now() + HOUR, performance.now());
    provider.openGate();
    await sending;
    setWallClock(Date.now(), performance.now());
    const { details, due_at: due, state } = await room.batchRow(id);
    expect(state).toBe('ready');
    expect((due?.getTime() ?? 0) - Date.now()).toBeLessThan(60_000);
    const tries = Object.values(details).map(({ retryAt = 0 }) => retryAt - Date.now() - stays);
    expect(tries).toHaveLength(2);
    for (const waitMs of tries) expect(Math.abs(waitMs)).toBeLessThan(60_000);
  });

  it('takes a batch from a killed worker, but not from a living one', async () => {
    const { batchIds } = await room.accept(await room.addApplication(), [batchOf(1), batchOf(1)], { urgent: true });
    const [killed = 0, living = 0] = batchIds;
    for (const id of batchIds) await room.claim(id);
    await writtenAhead([killed]);
    const found = (await room.sweep.batchesToDeliver()).map(({ id }) => id);
    expect(found).toContain(killed);
    expect(found).not.toContain(living);
    expect(await room.tryClaim(killed)).not.toBeNull();
    expect(await room.tryClaim(living)).toBeNull();
  });

  it.each([HOUR, -HOUR])('a step of %d ms that the process has not noticed takes no lease away', async (step) => {
    const [id = 0] = (await room.accept(await room.addApplication(), [batchOf(1)], { urgent: true })).batchIds;
    await room.claim(id);
    await room.runOutLease(id);
    expect(await room.tryClaim(id, Date.now() + step)).toBeNull();
    expect(await room.tryClaim(id)).not.toBeNull();
  });

  it('continues a message with a rate', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(applicationId, 40);
    const rateSeq = await new MessageRateRepository().add({ perSecond: 2 }, room.database.kysely);
    const { seq } = await room.accept(applicationId, null);
    await run(sql`update message set rate_seq = ${rateSeq} where seq = ${seq}`);
    await room.expansions.expandPage(seq);
    await room.expansions.expandPage(seq);
    const before = (await room.batchRows(seq)).length;
    await run(sql`update message set expand_at = now() + interval '1 hour', waits_since = now() + interval '1 hour',
      accepted_at = now() + interval '1 hour' where seq = ${seq}`);
    await run(sql`update message_rate set written_at = now() + interval '1 hour',
      next_ms = extract(epoch from now()) * 1000 + ${HOUR} where seq = ${rateSeq}`);
    expect(await room.seqsToExpand()).toContain(seq);
    await room.expansions.expandPage(seq);
    const rows = await room.batchRows(seq);
    expect(rows.length).toBeGreaterThan(before);
    expect(Math.max(...rows.map(({ due_at: due }) => due?.getTime() ?? 0))).toBeLessThan(Date.now() + 60_000);
  });

  it("waits for no turn of a pace an hour away, and not for the provider's wait", async () => {
    const applicationId = await room.addApplication();
    const lot = { applicationId, provider: SANDBOX };
    const { batchIds } = await room.accept(applicationId, [batchOf(1)]);
    await room.batches.promote(applicationId, [SANDBOX]);
    await room.pace.slowDown(lot, Date.now() + HOUR, 1_000);
    await run(sql`update pace set slot_at = now() + interval '1 hour', written_at = now() + interval '1 hour'
      where application_id = ${applicationId}`);
    const claimed = await room.claims.claim(batchIds[0] ?? 0, { needsSettings: false }, Date.now());
    expect(claimed).toHaveProperty('due', [0]);
  });

  it('probes a paused provider again', async () => {
    const applicationId = await room.addApplication();
    const { batchIds } = await room.accept(applicationId, [batchOf(1)], { urgent: true });
    await room.pause(applicationId, SANDBOX);
    expect(await room.tryClaim(batchIds[0] ?? 0)).toBeNull();
    await room.sweep.unparkForTry();
    expect((await room.batchRow(batchIds[0] ?? 0)).state).toBe('parked');
    await run(
      sql`update provider_setting set next_try_at = now() + interval '1 hour' where application_id = ${applicationId}`,
    );
    await room.sweep.unparkForTry();
    expect((await room.batchRow(batchIds[0] ?? 0)).state).toBe('waiting');
    await room.batches.promote(applicationId, [SANDBOX]);
    expect((await room.claim(batchIds[0] ?? 0)).isProbe).toBe(true);
  });

  it.each([0, 1, 7])('after a step of 50 s, makes the probe that follows %d others at once', async (tries) => {
    const applicationId = await room.addApplication();
    const { batchIds } = await room.accept(applicationId, [batchOf(1)], { urgent: true });
    await room.pause(applicationId, SANDBOX);
    await room.tryClaim(batchIds[0] ?? 0);
    await run(sql`update provider_setting set tries = ${tries}, next_try_at = now()
      + make_interval(secs => 50 + 30 * power(2, ${tries}::integer)) where application_id = ${applicationId}`);
    await room.sweep.unparkForTry();
    expect((await room.batchRow(batchIds[0] ?? 0)).state).toBe('waiting');
  });

  it('leaves the probe to a process that has noticed the step, without a further wait', async () => {
    const applicationId = await room.addApplication();
    const { batchIds } = await room.accept(applicationId, [batchOf(1)], { urgent: true });
    await room.pause(applicationId, SANDBOX);
    await run(sql`update provider_setting set next_try_at = now() where application_id = ${applicationId}`);
    for (const step of [HOUR / 2, -HOUR]) expect(await room.tryClaim(batchIds[0] ?? 0, Date.now() + step)).toBeNull();
    await room.sweep.unparkForTry();
    await room.batches.promote(applicationId, [SANDBOX]);
    expect((await room.claim(batchIds[0] ?? 0)).isProbe).toBe(true);
  });

  it.each([
    ['an hour ahead', () => Date.now() + HOUR, 0],
    ['an hour behind', () => Date.now() - HOUR, 0],
    ['before the clock stepped', () => null, 0],
    ['after the clock was corrected', () => Date.now(), 30],
  ])('retries a refusal of a request that was sent %s after its wait', async (_name, sentBy, expected) => {
    const applicationId = await room.addApplication();
    await room.settings.put(applicationId, SANDBOX, { visible: {}, secret: {} });
    const { version = 0 } = (await room.settings.find(applicationId, SANDBOX)) ?? {};
    const stop = { reason: 'ExpiredProviderToken', by: 'provider' };
    await room.settings.pause(applicationId, SANDBOX, version, stop, sentBy());
    const { rows } = await sql<{ waitS: number }>`
      select extract(epoch from next_try_at - paused_at)::float8 as "waitS" from provider_setting
      where application_id = ${applicationId}`.execute(room.database.kysely);
    expect(rows[0]?.waitS).toBeCloseTo(expected, 3);
  });
});
