import 'reflect-metadata';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationRemovalRepository } from '../../../src/applications/application-removal.repository.js';
import { ApplicationRepository } from '../../../src/applications/application.repository.js';
import { LeaseRepository } from '../../../src/applications/lease.repository.js';
import { ApplicationsService } from '../../../src/applications/applications.service.js';
import { Clock } from '../../../src/common/clock.js';
import { readConfig } from '../../../src/config.js';
import type { Database } from '../../../src/database/database.js';
import { DeviceQuota } from '../../../src/devices/device-quota.js';
import { DeviceRegistrationRepository } from '../../../src/devices/device-registration.repository.js';
import { lastOfEach } from '../../../src/devices/registration.js';
import { DeviceRepository } from '../../../src/devices/device.repository.js';
import { DeviceTransferService } from '../../../src/devices/device-transfer.service.js';
import { DeviceTransferRepository } from '../../../src/devices/device-transfer.repository.js';
import { AudienceRepository } from '../../../src/devices/audience.repository.js';
import { TagRepository } from '../../../src/devices/tag.repository.js';
import { Quotas } from '../../../src/limits/quotas.js';
import type { Providers } from '../../../src/providers/providers.module.js';
import { SandboxProvider } from '../../../src/providers/sandbox/sandbox.provider.js';
import { openPlace } from '../database/places.js';
import { addApplication, registration, tallies } from './stock.js';

const NOW = new Date('2026-11-25T10:00:00Z');
const LATER = new Date('2026-11-26T10:00:00Z');

describe('registrations', () => {
  let database: Database;
  let remove: () => Promise<void>;
  let registrations: DeviceRegistrationRepository;

  beforeAll(async () => {
    ({ database, remove } = await openPlace());
    registrations = new DeviceRegistrationRepository(database);
  });
  afterAll(async () => remove());

  /** `device id: token` of each device, by device id. */
  async function holders(applicationId: string): Promise<string[]> {
    const { rows } = await sql<{ text: string }>`
      select device_id || ': ' || token as text from device where application_id = ${applicationId}
        and token_hash = sha256(convert_to(token, 'UTF8')) order by device_id`.execute(database.kysely);
    return rows.map((row) => row.text);
  }

  async function subscribe(applicationId: string, deviceId: string): Promise<void> {
    await sql`insert into tag (application_id, name, description, updated_at) values (${applicationId}, 'news', '', now())
      on conflict do nothing`.execute(database.kysely);
    await sql`insert into subscription (application_id, tag_name, device_seq)
      select ${applicationId}, 'news', seq from device where device_id = ${deviceId} and application_id = ${applicationId}`.execute(
      database.kysely,
    );
  }

  async function subscribers(applicationId: string): Promise<string[]> {
    const { rows } = await sql<{ device_id: string }>`
      select device_id from subscription join device on device.seq = device_seq
      where subscription.application_id = ${applicationId} order by 1`.execute(database.kysely);
    return rows.map((row) => row.device_id);
  }

  it('a device that registers again keeps its creation time, subscriptions and profile', async () => {
    const id = await addApplication(database);
    const profile = { language: 'de-CH', timeZone: 'Europe/Zurich', appVersion: '1', attributes: { gold: true } };
    await registrations.put(id, registration('a', { ...profile, userId: 'anna', phoneNumber: '1' }), NOW);
    await subscribe(id, 'a');
    const again = await registrations.put(id, registration('a', { token: 'other', appVersion: '2' }), LATER);
    expect(again).toMatchObject({ ...profile, appVersion: '2', userId: null, phoneNumber: null, token: 'other' });
    expect(again).toMatchObject({ createdAt: NOW, updatedAt: LATER });
    expect(await subscribers(id)).toEqual(['a']);
  });

  it('a device that registers again with null for a part of its profile loses that part', async () => {
    const id = await addApplication(database);
    const profile = { language: 'de-CH', timeZone: 'Europe/Zurich', appVersion: '1', attributes: { gold: true } };
    const none = { language: null, timeZone: null, appVersion: null, attributes: null };
    await registrations.put(id, registration('a', profile), NOW);
    expect(await registrations.put(id, registration('a', { timeZone: null }), NOW)).toMatchObject({
      ...profile,
      timeZone: null,
    });
    await registrations.putMany(id, [registration('a', none), registration('b', profile)], NOW);
    expect(await registrations.put(id, registration('a'), NOW)).toMatchObject({ ...none, attributes: {} });
    expect(await registrations.put(id, registration('b'), NOW)).toMatchObject(profile);
  });

  it('a token that comes with another device id moves there', async () => {
    const id = await addApplication(database);
    await registrations.put(id, registration('a', { token: 't' }), NOW);
    await subscribe(id, 'a');
    await registrations.put(id, registration('b', { token: 't' }), NOW);
    expect(await holders(id)).toEqual(['b: t']);
    expect(await subscribers(id)).toEqual([]);
    // At another provider or application it is another token.
    await registrations.put(id, registration('c', { token: 't', platform: 'G', provider: 'fcm' }), NOW);
    await registrations.put(await addApplication(database), registration('a', { token: 't' }), NOW);
    expect(await holders(id)).toEqual(['b: t', 'c: t']);
  });

  it('many at once: new and changed devices, tokens that move, and devices that exchange theirs', async () => {
    const id = await addApplication(database);
    for (const deviceId of ['a', 'b', 'c', 'd'])
      await registrations.put(id, registration(deviceId, { token: deviceId }), NOW);
    for (const deviceId of ['a', 'b', 'c']) await subscribe(id, deviceId);
    const counts = await registrations.putMany(
      id,
      [
        registration('a', { token: 'b' }),
        registration('b', { token: 'a' }),
        registration('new', { token: 'c' }),
        registration('fresh', { token: 'f' }),
      ],
      LATER,
    );
    expect(counts).toEqual({ created: 2, updated: 2, moved: 1 });
    expect(await holders(id)).toEqual(['a: b', 'b: a', 'd: d', 'fresh: f', 'new: c']);
    expect(await subscribers(id)).toEqual(['a', 'b']);
  });

  it('many at once: the later of two for one device id or token counts', async () => {
    const id = await addApplication(database);
    await registrations.put(id, registration('a', { token: 'old' }), NOW);
    const counts = await registrations.putMany(
      id,
      [
        registration('a', { token: 't' }),
        registration('b', { token: 't' }),
        registration('c', { token: 'x' }),
        registration('c', { token: 'y' }),
        registration('d', { token: 'x' }),
      ],
      LATER,
    );
    // a does not exist any more: its token moved to b, and its earlier token belongs to another device.
    expect(await holders(id)).toEqual(['b: t', 'c: y', 'd: x']);
    expect(counts).toEqual({ created: 3, updated: 2, moved: 1 });
  });

  it('the same registrations again change nothing', async () => {
    const id = await addApplication(database);
    const devices = Array.from({ length: 500 }, (_each, index) =>
      registration(`d${index}`, { attributes: { n: index, 'ü"\\': '😀' }, userId: `u,${index}` }),
    );
    expect(await registrations.putMany(id, devices, NOW)).toEqual({ created: 500, updated: 0, moved: 0 });
    expect(await registrations.putMany(id, devices, NOW)).toEqual({ created: 0, updated: 500, moved: 0 });
    const { rows } = await sql<{ attributes: object }>`
      select attributes from device where application_id = ${id} and device_id = 'd7'`.execute(database.kysely);
    expect(rows).toEqual([{ attributes: { n: 7, 'ü"\\': '😀' } }]);
  });

  it('registrations that race for tokens leave each token with one device, and none fails', async () => {
    const id = await addApplication(database);
    const tokens = Array.from({ length: 20 }, (_each, index) => `t${index}`);
    const many = Array.from({ length: 12 }, (_each, run) =>
      registrations.putMany(
        id,
        // Each run gives the tokens to other ids, in another order.
        tokens.map((token, index) => registration(`d${(index * 7 + run) % 20}`, { token })),
        NOW,
      ),
    );
    const single = tokens.map((token) => registrations.put(id, registration(`single ${token}`, { token }), NOW));
    const done = await Promise.allSettled([...many, ...single]);
    const failures = done.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    // Busy is a valid answer; any other failure is not.
    expect(failures.filter((reason) => (reason as { code?: string }).code !== 'FPWSE0025E')).toEqual([]);
    const held = (await holders(id)).map((text) => text.split(': ')[1]);
    expect(held.toSorted()).toEqual(tokens.toSorted());
  });

  it('a change affects the fields it names; a token in it moves too, and revives a retired device', async () => {
    const id = await addApplication(database);
    await registrations.put(id, registration('a', { token: 'a', userId: 'anna', language: 'de' }), NOW);
    await registrations.put(id, registration('b', { token: 'b' }), NOW);
    await sql`update device set retired_reason = 'gone', retired_at = now() where application_id = ${id}`.execute(
      database.kysely,
    );
    const changed = await registrations.change(id, 'a', { language: null, attributes: { a: 1 } }, LATER);
    expect(changed).toMatchObject({ userId: 'anna', language: null, attributes: { a: 1 }, token: 'a', createdAt: NOW });
    expect(await retired(id)).toEqual(['a', 'b']);
    await registrations.change(id, 'a', { token: 'b', identity: 'b', platform: 'A', provider: 'apns' }, LATER);
    expect(await holders(id)).toEqual(['a: b']);
    expect(await retired(id)).toEqual([]);
    expect(await registrations.change(id, 'b', { language: 'fr' }, LATER)).toBeUndefined();
  });

  async function retired(applicationId: string): Promise<string[]> {
    const { rows } = await sql<{ device_id: string }>`
      select device_id from device where application_id = ${applicationId} and retired_at is not null order by 1`.execute(
      database.kysely,
    );
    return rows.map((row) => row.device_id);
  }

  it('a removed application is not found', async () => {
    await expect(registrations.putMany('com.example.gone', [registration('a')], NOW)).rejects.toMatchObject({
      code: 'FPWSE0001E',
    });
  });

  it('keeps all counts', async () => {
    const { tally, counted } = await tallies(database);
    expect(tally).toEqual(counted);
  });
});

function transfersOn(database: Database): DeviceTransferService {
  const clock = new Clock();
  const removals = new ApplicationRemovalRepository(database);
  const registrations = new DeviceRegistrationRepository(database);
  const quotas = new Quotas(readConfig({}), clock);
  return new DeviceTransferService(
    { sandbox: new SandboxProvider() } as unknown as Providers,
    new ApplicationsService(new ApplicationRepository(database), removals, new LeaseRepository(database), clock),
    new AudienceRepository(database),
    new DeviceTransferRepository(database),
    registrations,
    new DeviceQuota(quotas, new DeviceRepository(database), registrations, new TagRepository(database)),
    clock,
    { shutdownTimeoutMs: 100 },
  );
}

it('an application that imports over many connections waits for itself and does not delay another', async () => {
  const { database, remove } = await openPlace();
  const service = transfersOn(database);
  const [busy, neighbour] = [await addApplication(database), await addApplication(database)];
  const ended: string[] = [];
  const importOne = (applicationId: string, n: number) => {
    const source = Readable.from([Buffer.from(`{"deviceId":"${n}","platform":"A","token":"sandbox:accepted:${n}"}\n`)]);
    const import_ = service.importDevices(applicationId, source).then(() => ended.push(applicationId));
    return { read: finished(source), import_ };
  };
  const imports: ReturnType<typeof importOne>[] = [];
  // While the table is locked, nothing is written, and everything that was read waits for its turn.
  await database.kysely.transaction().execute(async (transaction) => {
    await sql`lock table device in exclusive mode`.execute(transaction);
    for (let n = 0; n < 20; n++) imports.push(importOne(busy, n));
    imports.push(importOne(neighbour, 0));
    await Promise.all(imports.map(({ read }) => read));
    await new Promise((resolve) => setImmediate(resolve));
  });
  await Promise.all(imports.map(({ import_ }) => import_));
  // Four were inside and four more may have followed; in sequence it would be the last of 21.
  expect(ended.indexOf(neighbour)).toBeLessThan(12);
  await remove();
});

it('an import that breaks off, by its body or by a stop of the process, keeps the read part and reports its size', async () => {
  const { database, remove } = await openPlace();
  const service = transfersOn(database);
  const audience = new AudienceRepository(database);
  async function* broken(then: () => Promise<never>): AsyncGenerator<Buffer> {
    for (const deviceId of ['a', 'b', 'c'])
      yield Buffer.from(`${JSON.stringify({ deviceId, platform: 'A', token: `sandbox:accepted:${deviceId}` })}\n`);
    await then();
  }
  const stopAndWait = (): Promise<never> => {
    service.onModuleDestroy();
    return new Promise(() => undefined);
  };
  for (const [then, code] of [
    [() => Promise.reject(new Error('aborted')), 'FPWSE0004E'],
    [stopAndWait, 'FPWSE0025E'],
  ] as const) {
    const applicationId = await addApplication(database);
    await expect(service.importDevices(applicationId, broken(then))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(' 3 devices are registered. Repeat the import.'),
    });
    expect(await audience.count(applicationId, {})).toBe(3);
  }
  await remove();
});

describe('of sequential registrations', () => {
  const of = (...pairs: string[]) =>
    pairs.map((pair) => registration(pair.split(':')[0]!, { token: pair.split(':')[1]! }));

  it.each([
    ['different devices stay', ['a:1', 'b:2'], ['a:1', 'b:2'], []],
    ['the last registration of an id stays', ['a:1', 'a:2'], ['a:2'], []],
    ['the last registration of a token stays', ['a:1', 'b:1'], ['b:1'], ['a']],
    ['an id that registers again stays', ['a:1', 'b:1', 'a:2'], ['b:1', 'a:2'], []],
    ['a token that its device gave up is free', ['a:1', 'a:2', 'b:1'], ['a:2', 'b:1'], []],
    ['a token that moves repeatedly ends the devices between', ['a:1', 'b:1', 'c:1'], ['c:1'], ['a', 'b']],
  ])('%s', (_name, given, last, ended) => {
    const result = lastOfEach(of(...given));
    expect(result.last.map((each) => `${each.deviceId}:${each.token}`)).toEqual(last);
    expect(result.ended).toEqual(ended);
  });
});
