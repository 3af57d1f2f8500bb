import { sql } from 'kysely';
import type { Database } from '../../../src/database/database.js';
import { DeviceRegistrationRepository } from '../../../src/devices/device-registration.repository.js';
import type { DeviceRegistration } from '../../../src/devices/registration.js';

/** Applications and devices for the specs of this folder. */

let applications = 0;

export async function addApplication({ kysely }: Database): Promise<string> {
  const id = `com.example.n${++applications}`;
  await kysely.insertInto('application').values({ id }).execute();
  return id;
}

export function registration(deviceId: string, change: Partial<DeviceRegistration> = {}): DeviceRegistration {
  const token = change.token ?? `token of ${deviceId}`;
  return {
    deviceId,
    platform: 'A',
    provider: 'apns',
    token,
    identity: token,
    userId: null,
    phoneNumber: null,
    userAgent: null,
    ...change,
  };
}

/** Devices `d1`, … with every third on Android and the others on iOS, users `u0` to `u9` in turn. */
export async function addDevices(database: Database, applicationId: string, count: number): Promise<void> {
  const devices = Array.from({ length: count }, (_each, index) => {
    const platform = index % 3 === 2 ? ({ platform: 'G', provider: 'fcm' } as const) : {};
    return registration(`d${index + 1}`, { userId: `u${index % 10}`, ...platform });
  });
  for (let from = 0; from < count; from += 500)
    await new DeviceRegistrationRepository(database).putMany(
      applicationId,
      devices.slice(from, from + 500),
      new Date(1_700_000_000_000),
    );
}

/** The sums of the triggers, and the counted rows. */
export async function tallies({ kysely }: Database): Promise<{ tally: unknown[]; counted: unknown[] }> {
  const tally = await sql`
    select application_id, kind, name, sum(amount)::int as n from tally group by 1, 2, 3 having sum(amount) <> 0
    order by 1, 2, 3`.execute(kysely);
  const counted = await sql`
    select application_id, kind, name, count(*)::int as n from (
      select application_id, 'device' as kind, platform as name from device
      union all select application_id, 'broadcast', platform from device where broadcast
      union all select application_id, 'subscription', tag_name from subscription) as each
    group by 1, 2, 3 order by 1, 2, 3`.execute(kysely);
  return { tally: tally.rows, counted: counted.rows };
}
