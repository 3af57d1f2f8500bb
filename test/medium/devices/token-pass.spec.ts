import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../../../src/database/migrations/migrations.js';
import type { Database } from '../../../src/database/database.js';
import { DeviceRegistrationRepository } from '../../../src/devices/device-registration.repository.js';
import type { DeviceRegistration } from '../../../src/devices/registration.js';
import { TokenKeeper } from '../../../src/devices/token-keeper.js';
import { TokenPassRepository } from '../../../src/devices/token-pass.repository.js';
import { ApnsProvider } from '../../../src/providers/apns/apns.provider.js';
import type { Providers } from '../../../src/providers/providers.module.js';
import { FcmProvider } from '../../../src/providers/fcm/fcm.provider.js';
import { WebPushProvider } from '../../../src/providers/web-push/web-push.provider.js';
import { newKeys, subscriptionSpellings } from '../../spellings.js';
import { openPlace } from '../database/places.js';
import { addApplication, registration, tallies } from './stock.js';

const HEX = 'ab12'.repeat(16);
const PROVIDERS = {
  apns: new ApnsProvider({ productionUrl: 'https://a.example', sandboxUrl: 'https://b.example' }),
  fcm: new FcmProvider({ url: 'https://fcm.example' }),
  'web-push': new WebPushProvider({}),
} as unknown as Providers;

describe('devices of an older release', () => {
  let database: Database;
  let remove: () => Promise<void>;
  let registrations: DeviceRegistrationRepository;
  beforeAll(async () => {
    ({ database, remove } = await openPlace());
    registrations = new DeviceRegistrationRepository(database);
  });
  afterAll(async () => remove());

  /** Registers devices like the older release: by the text of their tokens, a second apart. */
  async function addOld(applicationId: string, devices: readonly DeviceRegistration[]): Promise<void> {
    for (const [index, device] of devices.entries())
      await registrations.put(
        applicationId,
        { ...device, identity: device.token },
        new Date(1_700_000_000_000 + index * 1_000),
      );
  }

  /** Like the first start after the migration: devices exist, and all passes are due. */
  async function restart(): Promise<void> {
    await sql`drop table token_pass`.execute(database.kysely);
    await MIGRATIONS['0017-token-passes']!.up(database.kysely);
    await new TokenKeeper(PROVIDERS, database, new TokenPassRepository()).renew();
  }

  async function left(applicationId: string): Promise<string[]> {
    const { rows } = await sql<{ device_id: string }>`
      select device_id from device where application_id = ${applicationId} order by seq`.execute(database.kysely);
    return rows.map((row) => row.device_id);
  }

  const spelled = (tokens: Record<string, string>, change: Partial<DeviceRegistration> = {}): DeviceRegistration[] =>
    Object.values(tokens).map((token, index) =>
      registration(`d${index}`, { ...change, token: token.trim() + ' '.repeat(index) }),
    );
  const browser = { platform: 'WEB_CHROME', provider: 'web-push' } as const;

  it('of all spellings of one APNs token, the newest registration stays', async () => {
    const id = await addApplication(database);
    const tokens = [HEX.toUpperCase(), HEX, HEX.slice(0, 4) + HEX.slice(4).toUpperCase()];
    await addOld(
      id,
      tokens.map((token, index) => registration(`d${index}`, { token })),
    );
    await restart();
    expect(await left(id)).toEqual(['d2']);
  });

  it('of all spellings of one browser subscription, the newest registration stays, in any order of rows', async () => {
    const id = await addApplication(database);
    const devices = spelled(subscriptionSpellings('https://push.example/a1b', newKeys()), browser);
    await addOld(id, devices);
    await sql`update device set registered_at = now() where application_id = ${id} and device_id = 'd3'`.execute(
      database.kysely,
    );
    await restart();
    expect(await left(id)).toEqual(['d3']);
  });

  it('a device that registered since with the present release stays, with its subscriptions', async () => {
    const id = await addApplication(database);
    await addOld(id, [registration('old', { token: HEX.toUpperCase() })]);
    await registrations.put(id, registration('new', { token: HEX, identity: HEX }), new Date());
    await restart();
    expect(await left(id)).toEqual(['new']);
  });

  it('different tokens, applications and providers stay, and tokens that no provider accepts', async () => {
    const [id, other] = [await addApplication(database), await addApplication(database)];
    const devices = [
      registration('a', { token: HEX.toUpperCase() }),
      registration('b', { token: `${HEX}00` }),
      registration('c', { token: 'No Hex' }),
      registration('d', { token: 'no hex' }),
      registration('e', { token: HEX, platform: 'G', provider: 'fcm' }),
      registration('f', { token: HEX.toUpperCase(), platform: 'G', provider: 'fcm' }),
    ];
    await addOld(id, devices);
    await addOld(other, [registration('a', { token: HEX })]);
    await restart();
    expect(await left(id)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(await left(other)).toEqual(['a']);
    // From then on, the token moves in any spelling.
    await registrations.put(id, registration('ben', { token: HEX, identity: HEX }), new Date());
    expect(await left(id)).toEqual(['b', 'c', 'd', 'e', 'f', 'ben']);
  });

  it('a pass that was interrupted continues and ends', async () => {
    const id = await addApplication(database);
    const pairs = Array.from({ length: 700 }, (_each, index) => {
      const token = `${HEX}${String(index).padStart(4, '0')}`;
      return [registration(`old${index}`, { token: token.toUpperCase() }), registration(`new${index}`, { token })];
    }).flat();
    const putAll = async (from: number): Promise<unknown> =>
      registrations.putMany(id, pairs.slice(from, from + 350), new Date(1_700_000_000_000 + from));
    for (let from = 0; from < pairs.length; from += 350) await putAll(from);
    await sql`update device set registered_at = registered_at + interval '1 hour'
      where application_id = ${id} and device_id like 'new%'`.execute(database.kysely);
    await sql`drop table token_pass`.execute(database.kysely);
    await MIGRATIONS['0017-token-passes']!.up(database.kysely);
    await new TokenKeeper(PROVIDERS, database, new TokenPassRepository()).renewSome();
    const [{ next_seq: reached } = { next_seq: 0 }] = await passesLeft();
    expect(reached).toBeGreaterThan(0);
    // Two schedulers share the steps.
    const keeper = () => new TokenKeeper(PROVIDERS, database, new TokenPassRepository()).renew();
    await Promise.all([keeper(), keeper()]);
    await keeper();
    expect((await left(id)).filter((name) => name.startsWith('old'))).toEqual([]);
    expect(await left(id)).toHaveLength(700);
    // The second pass is due a day later.
    expect(await passesLeft()).toEqual([{ next_seq: 0, due: false }]);
    const { tally, counted } = await tallies(database);
    expect(tally).toEqual(counted);
  });

  async function passesLeft(): Promise<{ next_seq: number; due: boolean }[]> {
    const { rows } = await sql<{ next_seq: number; due: boolean }>`
      select next_seq, due_at <= now() as due from token_pass order by due_at`.execute(database.kysely);
    return rows;
  }
});
