import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { RunningSimulators } from '../../test/simulators/client.js';
import type { Random } from '../../test/simulators/shared/random.js';

/**
 * The recipients: devices inserted into the table, with their tokens registered in the simulators, which accept no
 * others.
 */

export const APPLICATION = 'com.example.app';
/** Every fifth and every twentieth device. */
export const TAGS = { news: 5, offers: 20 } as const;

export type CrowdProvider = 'apns' | 'fcm' | 'web-push';
export const CROWD_PROVIDERS: readonly CrowdProvider[] = ['apns', 'fcm', 'web-push'];

/** Percent of the devices; a Web Push delivery costs ten times the CPU of another. */
const SHARES: Record<CrowdProvider, number> = { apns: 55, fcm: 42, 'web-push': 3 };
const PLATFORMS: Record<CrowdProvider, string> = { apns: 'A', fcm: 'G', 'web-push': 'WEB_CHROME' };
/** Percent of the devices that are uninstalled, which the provider reports at delivery. */
const DEAD_PERCENT = 1;
/** The simulators accept 16 MB per request. */
const CHUNK = 10_000;

interface Member {
  deviceId: string;
  provider: CrowdProvider;
  /** The token as registered with Carillon. */
  token: string;
  /** The token in the simulator's ledger. */
  address: string;
}

export interface Crowd {
  members: readonly Member[];
  /** Addresses of devices that are to be rejected and retired. */
  dead: ReadonlySet<string>;
}

export async function gatherCrowd(
  size: number,
  random: Random,
  simulators: RunningSimulators,
  pushKey: string,
): Promise<Crowd> {
  const browsers = await subscribe(Math.ceil((size * SHARES['web-push']) / 100), simulators, pushKey);
  const members: Member[] = [];
  const dead = new Set<string>();
  const salt = random.next();
  for (let index = 0; index < size; index++) {
    const provider = pickProvider(random, browsers.length > 0);
    const { token, address } = provider === 'web-push' ? browsers.pop()! : newToken(provider, `${salt} ${index}`);
    members.push({ deviceId: `device-${index}`, provider, token, address });
    if (random.next() * 100 < DEAD_PERCENT) dead.add(address);
  }
  for (const provider of CROWD_PROVIDERS) {
    const addresses = members.filter((member) => member.provider === provider).map(({ address }) => address);
    for (const part of chunks(addresses)) {
      if (provider !== 'web-push') await simulators.admin.registerTokens(provider, part);
      const gone = part.filter((address) => dead.has(address));
      // Later than any registration: otherwise APNs' 410 would refer to an earlier registration.
      await simulators.admin.killTokens(provider, gone, { timestamp: Date.now() + 86_400_000 });
    }
    if (provider !== 'web-push') await simulators.admin.setTokenMode('strict', provider);
  }
  return { members, dead };
}

/** Replaces the sample devices, which the simulators do not know. */
export async function insertCrowd({ members }: Crowd, pool: pg.Pool): Promise<void> {
  await pool.query('delete from device where application_id = $1', [APPLICATION]);
  for (const part of chunks(members))
    await pool.query(
      `insert into device (application_id, device_id, platform, provider, token, token_hash, user_id, registered_at, updated_at)
       select $1, device_id, platform, provider, token, sha256(token::bytea), null, now(), now()
       from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as given (device_id, platform, provider, token)`,
      [
        APPLICATION,
        part.map(({ deviceId }) => deviceId),
        part.map(({ provider }) => PLATFORMS[provider]),
        part.map(({ provider }) => provider),
        part.map(({ token }) => token),
      ],
    );
  for (const [tag, every] of Object.entries(TAGS))
    await pool.query(
      `insert into subscription (application_id, tag_name, device_seq)
       select $1, $2, seq from device where application_id = $1 and substring(device_id from 8)::int % $3 = 0`,
      [APPLICATION, tag, every],
    );
  await pool.query('analyze');
}

async function subscribe(
  count: number,
  { admin }: RunningSimulators,
  pushKey: string,
): Promise<{ token: string; address: string }[]> {
  const subscriptions = await admin.createSubscriptions('google', count, pushKey);
  return subscriptions.map(({ endpoint, keys }) => ({
    token: JSON.stringify({ endpoint, userPublicKey: keys.p256dh, userAuth: keys.auth }),
    address: endpoint,
  }));
}

function pickProvider(random: Random, browsersLeft: boolean): CrowdProvider {
  const dice = random.next() * 100;
  if (dice < SHARES.apns) return 'apns';
  return dice < SHARES.apns + SHARES.fcm || !browsersLeft ? 'fcm' : 'web-push';
}

function newToken(provider: CrowdProvider, name: string): { token: string; address: string } {
  const hash = createHash('sha256').update(name).digest();
  // A token that begins with "dead" would have a fate in the simulators.
  const token = provider === 'apns' ? `a${hash.toString('hex').slice(1)}` : `chaos:APA91b${hash.toString('base64url')}`;
  return { token, address: token };
}

function chunks<T>(list: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, index) =>
    list.slice(index * CHUNK, (index + 1) * CHUNK),
  );
}
