import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../../src/common/clock.js';
import { clockAhead } from '../../../src/common/meters.js';
import { ServedCertificate } from '../../../src/common/served-certificate.js';
import { DatabaseWatch } from '../../../src/database/database-watch.js';
import { Vault } from '../../../src/common/vault.js';
import { Presence } from '../../../src/health/presence.js';
import { ProcessRepository } from '../../../src/health/process.repository.js';
import { SystemRepository } from '../../../src/health/system.repository.js';
import { SystemService } from '../../../src/health/system.service.js';
import { Queues } from '../../../src/queue/queue.js';
import type { Role } from '../../../src/role.js';
import { Room, batchOf } from '../delivery/room.js';

describe('the system', () => {
  let room: Room;
  let processes: ProcessRepository;
  let queues: Queues;
  beforeAll(async () => {
    room = await Room.open();
    processes = new ProcessRepository(room.database);
    queues = await Queues.open({}, room.database, () => undefined);
  });
  afterEach(async () => {
    for (const table of ['process', 'batch', 'message', 'campaign', 'webhook', 'application'])
      await sql`delete from ${sql.table(table)}`.execute(room.database.kysely);
  });
  afterAll(async () => {
    await queues.close();
    await room.remove();
  });

  const beat = (id: string, roles: Role[], clockAheadMs = 0) =>
    processes.beat(
      { id, name: `${roles[0]} 1`, roles, version: '0.1.0', host: 'here', keyId: 'k', zoneRules: '2025c' },
      clockAheadMs,
    );
  const newService = () =>
    new SystemService(
      room.database,
      queues,
      processes,
      new SystemRepository(room.database),
      new Clock(),
      new ServedCertificate({}, new Clock()),
    );
  const backdate = (id: string, seconds: number) =>
    sql`update process set seen_at = seen_at - make_interval(secs => ${seconds}),
      ended_at = ended_at - make_interval(secs => ${seconds}) where id = ${id}`.execute(room.database.kysely);
  const missingRoles = async () => (await processes.missing()).map(({ role }) => role);

  it('a row shows that a process runs, is lost, has stopped, or is forgotten', async () => {
    await beat('a', ['api']);
    await beat('b', ['worker', 'scheduler']);
    await beat('c', ['worker']);
    await backdate('b', 16);
    await processes.end('c');
    const listed = await processes.list();
    expect(listed.map(({ id, isLost }) => [id, isLost])).toEqual([
      ['a', false],
      ['b', true],
    ]);
    expect(listed[0]).toMatchObject({ name: 'api 1', roles: ['api'], version: '0.1.0', host: 'here' });
    await beat('b', ['worker', 'scheduler']);
    expect((await processes.list()).map(({ isLost }) => isLost)).toEqual([false, false]);
    await backdate('b', 3_601);
    await beat('a', ['api']);
    expect((await processes.list()).map(({ id }) => id)).toEqual(['a']);
  });

  it('a worker is missing a minute after it was last seen, while something waits', async () => {
    const applicationId = await room.addApplication();
    expect(await processes.missing()).toEqual([]);
    const { batchIds } = await room.accept(applicationId, [batchOf(2)], { urgent: true });
    expect(await processes.missing()).toEqual([{ role: 'worker', since: null }]);
    await beat('w', ['worker']);
    await backdate('w', 55);
    expect(await missingRoles()).toEqual([]);
    await processes.end('w');
    await backdate('w', 70);
    const [missing] = await processes.missing();
    expect(missing?.since).toBeInstanceOf(Date);
    // A worker of a version without a row.
    await room.claim(batchIds[0] ?? 0);
    expect(await missingRoles()).toEqual([]);
    await room.runOutLease(batchIds[0] ?? 0);
    expect(await missingRoles()).toEqual([]);
    await sql`update batch set state = 'parked'`.execute(room.database.kysely);
    expect(await missingRoles()).toEqual([]);
  });

  it('a worker is missing for a message without batches, a scheduler for what is due', async () => {
    const applicationId = await room.addApplication();
    const { seq } = await room.accept(applicationId, null);
    expect(await missingRoles()).toEqual(['worker']);
    await sql`update message set state = 'scheduled', send_at = now() - interval '1 second' where seq = ${seq}`.execute(
      room.database.kysely,
    );
    expect(await missingRoles()).toEqual(['scheduler']);
    await sql`update message set send_at = now() + interval '1 hour' where seq = ${seq}`.execute(room.database.kysely);
    expect(await missingRoles()).toEqual([]);
    await sql`
      insert into campaign (application_id, id, client_id, name, definition, state, created_at, updated_at, due_at)
      values (${applicationId}, 'c', 'test', 'c', '{}', 'active', now(), now(), now())`.execute(room.database.kysely);
    expect(await missingRoles()).toEqual(['scheduler']);
    await beat('s', ['scheduler']);
    expect(await missingRoles()).toEqual([]);
  });

  it('logs one line when a worker is missing, and one when it is back', async () => {
    const lines: string[] = [];
    const note = (line: unknown) => void lines.push(String(line));
    vi.spyOn(Logger.prototype, 'error').mockImplementation(note);
    vi.spyOn(Logger.prototype, 'log').mockImplementation(note);
    const look = async () => {
      const presence = new Presence(
        { roles: new Set(['api']) },
        processes,
        new Vault(Buffer.alloc(32, 1)),
        new DatabaseWatch(room.database),
      );
      await presence.onApplicationBootstrap();
      return presence;
    };
    try {
      await room.accept(await room.addApplication(), [batchOf(1)]);
      const presence = await look();
      await presence['rounds'].go();
      expect(lines).toEqual([expect.stringMatching(/^No worker has been seen in the last hour/)]);
      await beat('w', ['worker']);
      await presence['rounds'].go();
      await presence['rounds'].go();
      expect(lines.slice(1)).toEqual([expect.stringMatching(/^A worker runs again/)]);
      expect((await processes.list()).map(({ name }) => name)).toContain('api');
      await presence.beforeApplicationShutdown();
      expect((await processes.list()).map(({ name }) => name)).toEqual(['worker 1']);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('tells the oldest pending deliveries by provider, and each trouble with its next step', async () => {
    const applicationId = await room.addApplication();
    await room.accept(applicationId, [batchOf(2, 'apns')], { urgent: true });
    await room.accept(applicationId, [batchOf(2, 'fcm')]);
    await sql`update batch set due_at = now() - interval '7 minutes', waits_since = now() - interval '3 minutes'`.execute(
      room.database.kysely,
    );
    await sql`update batch set due_at = null, state = 'waiting' where provider = 'fcm'`.execute(room.database.kysely);
    const soon = new Date(Date.now() + 86_400_000).toISOString();
    await room.settings.put(applicationId, 'apns', { visible: { validUntil: soon }, secret: {} });
    const far = new Date(Date.now() + 15 * 86_400_000).toISOString();
    await room.settings.put(applicationId, 'hms', { visible: { validUntil: far }, secret: {} });
    await room.pause(applicationId, 'fcm');
    await sql`insert into webhook (application_id, name, url, event_types, secret, failures, last_error)
      values (${applicationId}, 'crm', 'https://crm.example', '{}', '', 3, 'HTTP 500')`.execute(room.database.kysely);
    await sql`update application set stopped_at = now(), stopped_by = 'ops'`.execute(room.database.kysely);
    // Of the first client a newer secret follows, the third is disabled, the last one's end is far.
    await sql`insert into client (id, display_name, allowed_scope, enabled) values
      ('follows', '', 'a', true), ('ends', '', 'a', true), ('off', '', 'a', false), ('far', '', 'a', true)`.execute(
      room.database.kysely,
    );
    await sql`insert into client_secret (client_id, hash, expires_at) values
      ('follows', '', now() + interval '1 day'), ('follows', '', null), ('ends', '', null),
      ('ends', '', now() + interval '13 days'), ('off', '', now()), ('far', '', now() + interval '15 days')`.execute(
      room.database.kysely,
    );
    const service = newService();
    const reading = service.read();
    expect(service.read()).toBe(reading);
    const report = await reading;
    expect(report.oldestPending).toMatchObject([{ provider: 'apns' }, { provider: 'fcm' }]);
    expect(report.oldestPending.map(({ seconds }) => Math.floor(seconds / 60))).toEqual([7, 3]);
    expect(report.problems.map(({ code, application, provider, name }) => [code, application, provider, name])).toEqual(
      [
        ['noWorker', null, null, 'worker'],
        ['applicationStopped', applicationId, null, 'ops'],
        ['providerPaused', applicationId, 'fcm', null],
        ['credentialEnds', applicationId, 'apns', null],
        ['secretEnds', null, null, 'ends'],
        ['webhookFailing', applicationId, null, 'crm'],
      ],
    );
    expect(report.problems.find(({ code }) => code === 'secretEnds')?.message).toContain('the client ends ends on');
    expect(report.problems.find(({ code }) => code === 'webhookFailing')).toMatchObject({
      reason: 'HTTP 500',
      endsAt: null,
    });
    expect(report.problems.find(({ code }) => code === 'credentialEnds')?.endsAt).toEqual(new Date(soon));
    for (const { next } of report.problems) expect(next).toMatch(/\.$/);
    expect(report.migrations.pending).toBe(0);
    expect(report.queue?.find(({ name }) => name === 'expand')).toEqual({
      name: 'expand',
      waiting: 0,
      active: 0,
      delayed: 0,
    });
  });

  it('tells how far each clock is from the database’s, and names a process whose clock stops it', async () => {
    const MINUTE = 60_000;
    const now = Date.now;
    vi.spyOn(Date, 'now').mockImplementation(() => now() - 11 * MINUTE);
    const says = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const watch = new DatabaseWatch(room.database);
    try {
      await watch.onModuleInit();
      expect(says.mock.calls).toEqual([[expect.stringMatching(/is 660\.\d s behind .*nothing is sent until/)]]);
    } finally {
      vi.restoreAllMocks();
      await watch.beforeApplicationShutdown();
    }
    const presence = new Presence({ roles: new Set(['api']) }, processes, new Vault(Buffer.alloc(32, 1)), watch);
    await presence.onApplicationBootstrap();
    await beat('w', ['worker'], 12 * MINUTE);
    await beat('x', ['scheduler'], 9 * MINUTE);
    await beat('z', ['worker'], 30 * MINUTE);
    await backdate('z', 16);
    const { values } = await clockAhead.get();
    expect(Math.round((values[0]?.value ?? 0) / 6)).toBe(-110);
    const { processes: listed, problems } = await newService().read();
    const ahead = listed.map(({ name, clockAheadMs }) => [name, Math.round((clockAheadMs ?? 0) / MINUTE)]);
    expect(ahead.toSorted()).toEqual([
      ['api', -11],
      ['scheduler 1', 9],
      ['worker 1', 12],
      ['worker 1', 30],
    ]);
    expect(listed.find(({ name }) => name === 'api')?.zoneRules).toBe(process.versions.tz);
    const wrong = problems.filter(({ code }) => code === 'clockWrong').map(({ message }) => message);
    expect(wrong.toSorted()).toEqual([
      expect.stringMatching(/^The clock of api on .* is 660 s behind the database’s: /),
      expect.stringMatching(/^The clock of worker 1 on here is 720 s ahead of the database’s: /),
    ]);
    await presence.beforeApplicationShutdown();
  });

  it('counts the jobs of each queue', async () => {
    await queues.add('expand', [
      { id: 'one', data: { id: 1 } },
      { id: 'two', data: { id: 2 }, priority: 3 },
      { id: 'three', data: { id: 3 }, delayMs: 60_000 },
    ]);
    const depths = await queues.depths();
    expect(depths.find(({ name }) => name === 'expand')).toEqual({ name: 'expand', waiting: 2, active: 0, delayed: 1 });
  });
});
