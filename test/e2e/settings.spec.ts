import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../harness/program.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import {
  createApnsCredentials,
  createHmsCredentials,
  createServiceAccount,
  createWnsCredentials,
} from '../simulators/credentials.js';
import { HOSTILE } from './conformance/variations.js';
import { EMBEDDED } from './stages.js';

/**
 * Provider settings of Carillon's API (MobileFirst's own: conformance/settings.table.ts): saved, read without secrets,
 * refused with a reason, replaced, removed; and new versions of them in use.
 */

let simulators: RunningSimulators;
beforeAll(async () => {
  simulators = await startSimulators();
});
afterAll(() => simulators?.stop());
const program = runProgram(EMBEDDED, {
  environment: () => ({
    APNS_URL: simulators.apns.url,
    WNS_TOKEN_URL: simulators.wns.tokenUrl,
    WNS_ENTRA_URL: simulators.wns.url,
    WNS_CHANNEL_HOST: simulators.wns.channelHost,
    HMS_URL: simulators.hms.url,
    HMS_TOKEN_URL: simulators.hms.tokenUrl,
    WEB_PUSH_ALLOW_PRIVATE: 'true',
    PROVIDER_CA_FILE: simulators.caPath ?? '',
  }),
});

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const OAUTH = { appId: '101', clientId: '102' };
const ACCOUNT = { projectId: '9', keyId: 'k1', subAccount: 's1' };

type Fields = Record<string, unknown>;
const APNS_KEY = createApnsCredentials('com.example.app').credentials.key;
const ACCOUNTS = ['first', 'second'].map(
  (name) => createServiceAccount(`project-${name}`, 'https://localhost/token').file,
);
const [FIRST, SECOND] = ACCOUNTS as [(typeof ACCOUNTS)[0], (typeof ACCOUNTS)[0]];
const { private_key: _key, ...KEYLESS } = FIRST;

interface Case {
  first: { visible: Fields; secret: Fields };
  second: { visible: Fields; secret: Fields };
  refused: [reason: RegExp, body: unknown][];
  /** The answer's fields instead of `visible`. */
  shown?: (visible: Fields) => Fields;
}

const CASES: Record<string, Case> = {
  fcmConf: {
    first: { visible: { ...FIRST }, secret: {} },
    second: { visible: { ...SECOND }, secret: {} },
    shown: (account) => ({ projectId: account.project_id, clientEmail: account.client_email }),
    refused: [
      [/'private_key'.*RSA private key/, { serviceAccount: KEYLESS }],
      [/'private_key'.*RSA private key/, { ...FIRST, private_key: 'sesame' }],
      [/'private_key'.*RSA private key/, { ...FIRST, private_key: APNS_KEY }],
      [/'type'.*service_account/, { ...FIRST, type: 'sesame' }],
      [/'token_uri'.*https/, { ...FIRST, token_uri: 'http://sesame.example/' }],
      [/'project_id'/, { serviceAccount: { sesame: 1 } }],
    ],
  },
  hmsConf: {
    first: { visible: OAUTH, secret: { clientSecret: 'first secret' } },
    second: { visible: ACCOUNT, secret: { privateKey: RSA } },
    refused: [
      [/'clientSecret'.*must be the secret/, OAUTH],
      [/'appId'.*app's id/, { ...OAUTH, appId: '../1', clientSecret: 'sesame' }],
      [/'privateKey'.*RSA private key/, ACCOUNT],
      [/'privateKey'.*RSA private key/, { ...ACCOUNT, privateKey: 'sesame' }],
      [/'appId'.*service account/, { ...ACCOUNT, ...OAUTH, privateKey: RSA }],
    ],
  },
  webPushConf: {
    first: {
      visible: {
        subject: 'mailto:a@example.com',
        publicKey: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
      },
      secret: { privateKey: 'q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94' },
    },
    second: {
      visible: {
        subject: 'https://example.com/contact',
        publicKey: 'BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8',
      },
      secret: { privateKey: 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw' },
    },
    refused: [
      [/'subject'.*contact/, {}],
      [/'subject'.*contact/, { subject: 'mailto:<sesame@example.com>' }],
      [/'sesame'.*not a field/, { subject: 'mailto:a@example.com', sesame: 1 }],
      [/'privateKey'.*given with publicKey/, { subject: 'mailto:a@example.com', publicKey: 'sesame' }],
      [/'privateKey'.*32 bytes/, { subject: 'mailto:a@example.com', publicKey: 'sesame', privateKey: 'sesame' }],
    ],
  },
};

describe.each(Object.entries(CASES))('%s', (conf, { first, second, refused, shown = (visible) => visible }) => {
  const path = `/settings/${conf}`;
  const secretOf = ({ visible, secret }: Case['first']): string =>
    String(secret.key ?? secret.privateKey ?? Object.values(secret)[0] ?? visible.private_key)
      .trim()
      .slice(-60, -30);

  it('is saved, read without its secret, replaced as a whole, and removed', async () => {
    expect((await program.api.app('GET', path)).status).toBe(404);
    for (const each of [first, second]) {
      const put = await program.api.app('PUT', path, { ...each.visible, ...each.secret });
      expect([put.status, put.body]).toEqual([200, shown(each.visible)]);
      const read = await program.api.app('GET', path);
      expect([read.status, read.body]).toEqual([200, shown(each.visible)]);
      expect(JSON.stringify(read.body)).not.toContain(secretOf(each) || 'no secret');
    }
    expect((await program.api.app('DELETE', path)).status).toBe(204);
    for (const method of ['GET', 'DELETE']) {
      const gone = await program.api.app(method, path);
      expect([gone.status, gone.body.code]).toEqual([404, 'FPWSE0001E']);
    }
    for (const each of [first, second]) expect(program.carillon.output()).not.toContain(secretOf(each) || 'no secret');
  });

  it.each<[RegExp, unknown, string?]>([
    ...refused,
    [/object/, [], 'FPWSE0004E'],
    ...HOSTILE.map(([, body]): [RegExp, string, string] => [/./, body, 'FPWSE0004E']),
  ])(
    'refuses by %s, keeps the present settings, and does not repeat the value',
    async (reason, body, code = 'FPWSE0005E') => {
      await program.api.app('PUT', path, { ...first.visible, ...first.secret });
      const answer = await program.api.app('PUT', path, body);
      expect([answer.status, answer.body]).toEqual([400, { code, message: expect.stringMatching(reason) as string }]);
      expect(JSON.stringify(answer.body).replace("'sesame'", '')).not.toContain('sesame');
      expect((await program.api.app('GET', path)).body).toEqual(shown(first.visible));
    },
  );
});

it('webPushConfPublic shows the public key, and nothing after the settings are removed', async () => {
  const { first } = CASES['webPushConf']!;
  await program.api.app('PUT', '/settings/webPushConf', { ...first.visible, ...first.secret });
  const { publicKey } = first.visible;
  expect((await program.api.app('GET', '/settings/webPushConfPublic')).body).toEqual({ publicKey });
  await program.api.app('DELETE', '/settings/webPushConf');
  expect((await program.api.app('GET', '/settings/webPushConfPublic')).status).toBe(404);
});

/** New credentials, by which the provider recognises the sender afterwards. */
describe('a new version of the settings', () => {
  const target = (platform: string) => ({ message: { alert: 'Hello' }, target: { platforms: [platform] } });
  const send = async (platform: string): Promise<void> => {
    const report = await program.api.waitFor(await program.api.send(target(platform)));
    expect(report.outcomes).toMatchObject({ accepted: report.audience });
  };
  /** Of the last accepted push. */
  const authorization = async (provider: 'apns' | 'wns' | 'hms'): Promise<string> => {
    const [entry] = await simulators.admin.lastAccepted(provider, 1);
    return String(entry!.headers['authorization']);
  };
  const keyIdOf = (header: string): unknown =>
    (JSON.parse(Buffer.from(header.split(/[ .]/)[1]!, 'base64url').toString()) as { kid: string }).kid;
  const openConnections = async (provider: 'apns' | 'wns' | 'hms'): Promise<number> =>
    (await simulators.admin.counters())[provider].connectionsOpen;

  beforeAll(() =>
    program.api.registerDevices([
      { deviceId: 'phone', platform: 'A', token: 'ab'.repeat(32) },
      { deviceId: 'desk', platform: 'W', token: `${simulators.wns.channelUrl}desk` },
      { deviceId: 'huawei', platform: 'H', token: 'huawei-1' },
    ]),
  );

  it.each(['replaced', 'removed and made anew'])(
    'APNs, %s: the next message uses it, and the old connections close',
    async (how) => {
      const put = (credentials: ReturnType<typeof createApnsCredentials>['credentials']) =>
        program.api.app('PUT', '/settings/apnsConf', { ...credentials });
      const before = createApnsCredentials('com.example.app');
      const after = createApnsCredentials('com.example.app');
      for (const { registration } of [before, after])
        await simulators.admin.registerCredentials({ apns: registration });
      await put(before.credentials);
      await send('A');
      expect(keyIdOf(await authorization('apns'))).toBe(before.credentials.keyId);

      if (how !== 'replaced') await program.api.app('DELETE', '/settings/apnsConf');
      expect((await put(after.credentials)).status).toBe(200);
      await send('A');
      expect(keyIdOf(await authorization('apns'))).toBe(after.credentials.keyId);
      await expect.poll(() => openConnections('apns'), { timeout: 10_000 }).toBe(1);
    },
  );

  it('WNS and HMS: access tokens and connections of the new client', async () => {
    const wns = [createWnsCredentials(), createWnsCredentials()] as const;
    const hms = [createHmsCredentials(), createHmsCredentials()] as const;
    const seen = { wns: [] as string[], hms: [] as string[] };
    for (const version of [0, 1] as const) {
      const app = { ...hms[version].credentials.oauth, clientId: `client-${version}` };
      await simulators.admin.registerCredentials({ wns: wns[version].package, hms: app });
      expect((await program.api.app('PUT', '/settings/wnsConf', wns[version].package)).status).toBe(200);
      expect((await program.api.app('PUT', '/settings/hmsConf', app)).status).toBe(200);
      await send('W');
      await send('H');
      seen.wns.push(await authorization('wns'));
      seen.hms.push(await authorization('hms'));
    }
    expect(new Set(seen.wns).size).toBe(2);
    expect(new Set(seen.hms).size).toBe(2);
    await expect.poll(() => openConnections('wns'), { timeout: 10_000 }).toBeLessThanOrEqual(1);
    await expect.poll(() => openConnections('hms'), { timeout: 10_000 }).toBeLessThanOrEqual(1);
  });
});
