import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationRemovalRepository } from '../../../src/applications/application-removal.repository.js';
import { ApplicationRepository } from '../../../src/applications/application.repository.js';
import { LeaseRepository } from '../../../src/applications/lease.repository.js';
import { ApplicationsService } from '../../../src/applications/applications.service.js';
import { ITSELF } from '../../../src/auth/audit.repository.js';
import { Clock } from '../../../src/common/clock.js';
import { Room, batchOf } from '../delivery/room.js';

const NOW = new Date('2026-11-25T10:00:00Z');

/** A clock by which the time for an answer is over at the second reading. */
class HastyClock extends Clock {
  private looks = 0;
  override elapsed(): number {
    return 1_000 * this.looks++;
  }
}

describe('removing an application', () => {
  let room: Room;
  let removals: ApplicationRemovalRepository;
  let applications: ApplicationRepository;
  beforeAll(async () => {
    room = await Room.open();
    removals = new ApplicationRemovalRepository(room.database);
    applications = new ApplicationRepository(room.database);
  });
  afterAll(() => room.remove());

  const count = async (
    table: 'device' | 'message' | 'batch' | 'application',
    applicationId: string,
  ): Promise<number> => {
    const column = sql.raw(table === 'application' ? 'id' : 'application_id');
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from ${sql.table(table)} where ${column} = ${applicationId}`.execute(
      room.database.kysely,
    );
    return rows[0]?.count ?? -1;
  };
  const finish = async (): Promise<void> => {
    while (await removals.removeSome());
  };

  it('makes the application disappear at once, with its credentials', async () => {
    const applicationId = await room.addApplication();
    await room.settings.put(applicationId, 'fcm', { visible: {}, secret: { privateKey: 'k' } });
    expect(await applications.markRemoved(applicationId, NOW)).toBe(true);
    expect(await applications.markRemoved(applicationId, NOW)).toBe(false);
    expect(await applications.find(applicationId)).toBeUndefined();
    expect(await applications.change(applicationId, { enabled: true }, ITSELF)).toBeUndefined();
    expect(await room.settings.find(applicationId, 'fcm')).toBeUndefined();
    expect((await applications.list([], { offset: 0, size: 1_000 })).rows.map(({ id }) => id)).not.toContain(
      applicationId,
    );
  });

  it('claims and expands none of its batches any more, and aborts those in sending', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(applicationId, 2);
    const [sending, waiting] = [
      await room.accept(applicationId, [batchOf(2)]),
      await room.accept(applicationId, [batchOf(2)]),
    ];
    const unexpanded = await room.accept(applicationId, null);
    const batch = await room.claim(sending.batchIds[0]!);
    await applications.markRemoved(applicationId, NOW);
    // Accepted by a request that had checked the application before.
    const late = await room.accept(applicationId, [batchOf(1)]);
    expect(await room.tryClaim(waiting.batchIds[0]!)).toBeNull();
    expect(await room.tryClaim(late.batchIds[0]!)).toBeNull();
    expect(await room.expansions.expandPage(unexpanded.seq)).toEqual({ promoted: [], more: false });
    expect(await room.batches.checkpoint(batch)).toEqual({ messageState: 'cancelled' });
    await finish();
    for (const table of ['batch', 'message', 'device', 'application'] as const)
      expect(await count(table, applicationId)).toBe(0);
    expect(await room.batches.checkpoint(batch)).toBeNull();
    expect(await room.batches.finish(batch, { state: 'done', waitMs: null })).toBeNull();
  });

  it('removes it in bounded steps by two processes at once, without touching other applications', async () => {
    const [applicationId, other] = [await room.addApplication(), await room.addApplication()];
    await room.addDevices(applicationId, 2_600);
    await room.addDevices(other, 3);
    await room.accept(
      applicationId,
      Array.from({ length: 450 }, () => batchOf(1)),
    );
    await room.accept(other, [batchOf(1)]);
    await sql`insert into tag (application_id, name, description, updated_at) values (${applicationId}, 'news', '', now())`.execute(
      room.database.kysely,
    );
    await sql`insert into subscription (application_id, tag_name, device_seq)
      select application_id, 'news', seq from device where application_id = ${applicationId}`.execute(
      room.database.kysely,
    );
    await applications.markRemoved(applicationId, NOW);
    expect(await removals.removeSome(applicationId)).toBe(true);
    expect(await count('batch', applicationId)).toBe(250);
    expect(await count('device', applicationId)).toBe(2_600);
    await Promise.all([finish(), finish()]);
    await finish();
    for (const table of ['batch', 'message', 'device', 'application'] as const) {
      expect(await count(table, applicationId)).toBe(0);
      expect(await count(table, other)).toBeGreaterThan(0);
    }
  });

  it('removes data of users in bounded steps too', async () => {
    const applicationId = await room.addApplication();
    const { seq } = await room.accept(applicationId, []);
    await sql`insert into message_data (message_seq, user_id, fields)
      select ${seq}::bigint, 'u' || n, '{}' from generate_series(1, 10500) as n`.execute(room.database.kysely);
    await applications.markRemoved(applicationId, NOW);
    expect(await removals.removeSome(applicationId)).toBe(true);
    const { rows } = await sql`select from message_data where message_seq = ${seq}`.execute(room.database.kysely);
    expect(rows).toHaveLength(500);
    await finish();
    expect(await count('application', applicationId)).toBe(0);
  });

  it('waits for no message that a worker holds, because the worker may need its batch', async () => {
    const applicationId = await room.addApplication();
    const { seq, batchIds } = await room.accept(applicationId, [batchOf(1)]);
    await applications.markRemoved(applicationId, NOW);
    await room.database.kysely.transaction().execute(async (transaction) => {
      await sql`select from message where seq = ${seq} for no key update`.execute(transaction);
      expect(await removals.removeSome(applicationId)).toBe(false);
      await sql`update batch set touched_at = now() where id = ${batchIds[0]}`.execute(transaction);
    });
    await finish();
    expect(await count('application', applicationId)).toBe(0);
  });

  it('answers in time; the id is free when everything is removed', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(applicationId, 1_000);
    const service = new ApplicationsService(
      applications,
      removals,
      new LeaseRepository(room.database),
      new HastyClock(),
    );
    await expect(service.removeApplication(ITSELF, applicationId, { devices: false })).rejects.toMatchObject({
      code: 'CARIL0409E',
      message: expect.stringMatching(/has 1000 devices.*\?devices=delete/) as string,
    });
    await service.removeApplication(ITSELF, applicationId, { devices: true });
    expect(await count('device', applicationId)).toBe(1_000);
    const again = { id: applicationId, enabled: true };
    await expect(service.createApplication(again)).rejects.toMatchObject({ code: 'CARIL0409E' });
    await expect(service.removeApplication(ITSELF, applicationId, { devices: true })).rejects.toMatchObject({
      code: 'FPWSE0001E',
    });
    await new ApplicationsService(
      applications,
      removals,
      new LeaseRepository(room.database),
      new Clock(),
    ).removeApplication(ITSELF, await room.addApplication(), { devices: false });
    await finish();
    expect(await service.createApplication(again)).toMatchObject({ ...again, strict: false, approvalAbove: null });
    await expect(service.createApplication(again)).rejects.toMatchObject({ code: 'FPWSE0002E' });
  });
});
