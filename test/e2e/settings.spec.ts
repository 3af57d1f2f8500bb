import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import type { Answer } from '../harness/api.js';
import { makeP12 } from '../harness/p12.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import {
  createApnsCredentials,
  createHmsCredentials,
  createServiceAccount,
  createWnsCredentials,
} from '../simulators/credentials.js';
import { EMBEDDED } from './stages.js';

/** Provider settings over the API: saved, read back without secrets, refused with a reason, replaced, removed, used. */

let simulators: RunningSimulators;
let carillon: RunningCarillon;
let clean: () => void;
let api: Api;

beforeAll(async () => {
  simulators = await startSimulators();
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  const { wns, hms } = simulators;
  carillon = await startCarillon({
    ...prepared.environment,
    APNS_URL: simulators.apns.url,
    WNS_TOKEN_URL: wns.tokenUrl,
    WNS_ENTRA_URL: wns.url,
    WNS_CHANNEL_HOST: wns.channelHost,
    HMS_URL: hms.url,
    HMS_TOKEN_URL: hms.tokenUrl,
    WEB_PUSH_ALLOW_PRIVATE: 'true',
    PROVIDER_CA_FILE: simulators.caPath ?? '',
  });
  api = await Api.connect(carillon.url);
});
afterAll(async () => {
  await carillon?.stop();
  await simulators?.stop();
  clean?.();
});

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const SID = 'ms-app://s-1-15-2-1-2-3';
const ENTRA = { tenantId: 'contoso.example', clientId: '0f1e2d3c-0000-4000-8000-000000000001' };
const OAUTH = { appId: '101', clientId: '102' };
const ACCOUNT = { projectId: '9', keyId: 'k1', subAccount: 's1' };

type Fields = Record<string, unknown>;
const APNS = createApnsCredentials('com.example.app').credentials;
const { key: APNS_KEY, ...APNS_VISIBLE } = APNS;
const ACCOUNTS = ['first', 'second'].map(
  (name) => createServiceAccount(`project-${name}`, 'https://localhost/token').file,
);
const [FIRST, SECOND] = ACCOUNTS as [(typeof ACCOUNTS)[0], (typeof ACCOUNTS)[0]];
const { private_key: _key, ...KEYLESS } = FIRST;

interface Case {
  first: { visible: Fields; secret: Fields };
  second: { visible: Fields; secret: Fields };
  refused: [reason: RegExp, body: unknown][];
  /** What an answer has in place of `visible`. */
  shown?: (visible: Fields) => Fields;
}

const CASES: Record<string, Case> = {
  apnsConf: {
    first: { visible: { ...APNS_VISIBLE, isSandBox: 'false' }, secret: { key: APNS_KEY } },
    second: {
      visible: { ...APNS_VISIBLE, isSandBox: 'true', bundleId: 'com.example.app.beta' },
      secret: { key: createApnsCredentials('b').credentials.key },
    },
    refused: [
      [/'key'.*EC P-256 private key/, { ...APNS, key: 'sesame' }],
      [/'key'.*EC P-256 private key/, { ...APNS, key: RSA }],
      [/'keyId'.*10 capital/, { ...APNS, keyId: 'sesame' }],
      [/'isSandBox'.*true or false/, { ...APNS, isSandBox: 'sesame' }],
      [/'certificate'.*PKCS#12/, { certificate: 'sesame', password: 'sesame' }],
    ],
  },
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
  gcmConf: {
    first: { visible: { senderId: '123' }, secret: { apiKey: 'first-api-key' } },
    second: { visible: { senderId: '456' }, secret: { apiKey: 'second-api-key' } },
    shown: (visible) => ({ ...visible, warnings: [expect.stringMatching(/Nothing is delivered by gcmConf.*fcmConf/)] }),
    refused: [
      [/'senderId'.*sender id/, { apiKey: 'sesame' }],
      [/'apiKey'.*key/, { senderId: '123', apiKey: 'open sesame' }],
    ],
  },
  wnsConf: {
    first: { visible: { packageSID: SID }, secret: { clientSecret: 'first secret' } },
    second: { visible: ENTRA, secret: { clientSecret: 'second secret' } },
    refused: [
      [/'clientSecret'.*must be the secret/, { packageSID: SID }],
      [/'packageSID'.*must be the package SID/, { packageSID: 'S-1-15', clientSecret: 'sesame' }],
      [/'clientId'.*GUID/, { ...ENTRA, clientId: 'me', clientSecret: 'sesame' }],
      [/'tenantId'.*id or domain/, { ...ENTRA, tenantId: '/../x', clientSecret: 'sesame' }],
      [/'tenantId'.*Entra/, { packageSID: SID, ...ENTRA, clientSecret: 'sesame' }],
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

  it('is saved, read back without its secret, replaced as a whole, and removed', async () => {
    expect((await api.app('GET', path)).status).toBe(404);
    for (const each of [first, second]) {
      const put = await api.app('PUT', path, { ...each.visible, ...each.secret });
      expect([put.status, put.body]).toEqual([200, shown(each.visible)]);
      const read = await api.app('GET', path);
      expect([read.status, read.body]).toEqual([200, shown(each.visible)]);
      expect(JSON.stringify(read.body)).not.toContain(secretOf(each) || 'no secret');
    }
    expect((await api.app('DELETE', path)).status).toBe(204);
    for (const method of ['GET', 'DELETE']) {
      const gone = await api.app(method, path);
      expect([gone.status, gone.body.code]).toEqual([404, 'FPWSE0001E']);
    }
    for (const each of [first, second]) expect(carillon.output()).not.toContain(secretOf(each) || 'no secret');
  });

  it.each<[RegExp, unknown, string?]>([...refused, [/object/, [], 'FPWSE0004E'], [/JSON/, '[', 'FPWSE0004E']])(
    'refuses by %s, keeps what there was, and does not repeat it',
    async (reason, body, code = 'FPWSE0005E') => {
      await api.app('PUT', path, { ...first.visible, ...first.secret });
      const answer = await api.app('PUT', path, body);
      expect([answer.status, answer.body]).toEqual([400, { code, message: expect.stringMatching(reason) as string }]);
      expect(JSON.stringify(answer.body).replace("'sesame'", '')).not.toContain('sesame');
      expect((await api.app('GET', path)).body).toEqual(shown(first.visible));
    },
  );

  it('needs its own scope', async () => {
    const reader = await Api.connect(carillon.url, api.applicationId, `${conf}.read push.application.com.example.app`);
    expect((await reader.app('GET', path)).status).toBe(200);
    expect((await reader.app('PUT', path, { ...first.visible, ...first.secret })).status).toBe(403);
    expect((await reader.app('DELETE', path)).status).toBe(403);
    const other = await Api.connect(carillon.url, api.applicationId, 'settings.read push.application.com.example.app');
    expect((await other.app('GET', path)).status).toBe(403);
  });
});

describe('an APNs certificate', () => {
  const { p12 } = makeP12('/UID=com.example.app/CN=Apple Push Services');
  const put = async (fields: Record<string, string>, file?: Buffer): Promise<Answer<Fields>> => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    if (file) form.set('certificate', new Blob([new Uint8Array(file)]), 'push.p12');
    const sent = new Response(form);
    const body = Buffer.from(await sent.arrayBuffer());
    const response = await fetch(`${carillon.url}/imfpush/v1/apps/com.example.app/settings/apnsConf`, {
      method: 'PUT',
      headers: { authorization: api.authorization, 'content-type': sent.headers.get('content-type') ?? '' },
      body,
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Fields };
  };
  const shown = {
    certificate: 'push.p12',
    bundleId: 'com.example.app',
    isSandBox: 'true',
    validUntil: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/) as string,
  };

  it('comes as a form, shows its end, and is given out under its password', async () => {
    const answer = await put({ password: 'hush', isSandBox: 'true' }, p12);
    expect([answer.status, answer.body]).toEqual([200, shown]);
    expect((await api.app('GET', '/settings/apnsConf')).body).toEqual(shown);
    const file = await fetch(`${carillon.url}/imfpush/v1/apps/com.example.app/settings/apnsCert`, {
      headers: { authorization: api.authorization },
    });
    expect(file.headers.get('content-type')).toBe('application/octet-stream');
    expect(Buffer.from(await file.arrayBuffer())).toEqual(p12);
    expect(carillon.output()).not.toContain('hush');
  });

  it.each([
    ['a wrong password', { password: 'guess' }, p12, /'password'.*does not open/],
    ['no file', { password: 'hush' }, undefined, /'certificate'.*\.p12 file/],
    ['a file that is none', { password: 'hush' }, Buffer.from('abc'), /'certificate'.*PKCS#12/],
    ['a field that is none', { password: 'hush', isSandbox: 'true' }, p12, /'isSandbox'.*not a field/],
    ['a word for a flag', { password: 'hush', isSandBox: 'yes' }, p12, /'isSandBox'.*true or false/],
    ['a reserved name', { password: 'hush', ['__proto__']: 'x' }, p12, /__proto__|constructor/],
    ['no key in it', { password: 'hush' }, makeP12('/UID=a.b', '-nokeys').p12, /'certificate'.*no private key/],
    ['a large file', { password: 'hush' }, Buffer.alloc(70_000), /'certificate'.*65536/],
  ])('is refused: %s', async (_what, fields, file, reason) => {
    await put({ password: 'hush', isSandBox: 'true' }, p12);
    const answer = await put(fields as unknown as Record<string, string>, file);
    expect([answer.status, answer.body]).toEqual([
      400,
      { code: expect.stringMatching(/FPWSE000[45]E/) as string, message: expect.stringMatching(reason) as string },
    ]);
    expect((await api.app('GET', '/settings/apnsConf')).body).toEqual(shown);
  });

  it('is not given out without a password, nor when there is a key instead', async () => {
    const bare = makeP12('/UID=com.example.app', '-passout', 'pass:').p12;
    expect((await api.app('PUT', '/settings/apnsConf', { certificate: bare.toString('base64') })).status).toBe(200);
    const answer = await api.app('GET', '/settings/apnsCert');
    expect([answer.status, answer.body.code]).toEqual([409, 'CARIL0409E']);
    await api.app('PUT', '/settings/apnsConf', APNS);
    expect((await api.app('GET', '/settings/apnsCert')).status).toBe(404);
    await api.app('DELETE', '/settings/apnsConf');
  });
});

it('gcmConfPublic shows the sender id, which may be kept without a key; the overview names where to read', async () => {
  await api.app('PUT', '/settings/gcmConf', { senderId: '123' });
  expect((await api.app('GET', '/settings/gcmConfPublic')).body).toEqual({ senderId: '123' });
  await api.app('DELETE', '/settings/gcmConf');
  expect((await api.app('GET', '/settings/gcmConfPublic')).status).toBe(404);
  const { body } = await api.app<Record<string, string>>('GET', '/settings');
  expect(body).toMatchObject({ applicationId: 'com.example.app', mode: 'PRODUCTION' });
  expect(body['apnsConf']).toBe(`${carillon.url}/imfpush/v1/apps/com.example.app/settings/apnsConf`);
});

it.each(['GET', 'PUT', 'DELETE'])('%s smsConf says that there is no SMS', async (method) => {
  const answer = await api.app(method, '/settings/smsConf', method === 'PUT' ? { host: 'a', port: '80' } : undefined);
  expect(answer.body.message).toMatch(/sends no SMS/);
  expect([400, 404]).toContain(answer.status);
});

it('webPushConfPublic shows the public key, and nothing once the settings are gone', async () => {
  const { first } = CASES['webPushConf']!;
  await api.app('PUT', '/settings/webPushConf', { ...first.visible, ...first.secret });
  const { publicKey } = first.visible;
  expect((await api.app('GET', '/settings/webPushConfPublic')).body).toEqual({ publicKey });
  await api.app('DELETE', '/settings/webPushConf');
  expect((await api.app('GET', '/settings/webPushConfPublic')).status).toBe(404);
});

/** New credentials, by which the provider knows a sender afterwards. */
describe('a new version of the settings', () => {
  const target = (platform: string) => ({ message: { alert: 'Hello' }, target: { platforms: [platform] } });
  const send = async (platform: string): Promise<void> => {
    const report = await api.waitFor(await api.send(target(platform)));
    expect(report.outcomes).toMatchObject({ accepted: report.audience });
  };
  /** Of the last push that was accepted. */
  const authorization = async (provider: 'apns' | 'wns' | 'hms'): Promise<string> => {
    const [entry] = await simulators.admin.lastAccepted(provider, 1);
    return String(entry!.headers['authorization']);
  };
  const keyIdOf = (header: string): unknown =>
    (JSON.parse(Buffer.from(header.split(/[ .]/)[1]!, 'base64url').toString()) as { kid: string }).kid;
  const openConnections = async (provider: 'apns' | 'wns' | 'hms'): Promise<number> =>
    (await simulators.admin.counters())[provider].connectionsOpen;

  beforeAll(() =>
    api.registerDevices([
      { deviceId: 'phone', platform: 'A', token: 'ab'.repeat(32) },
      { deviceId: 'desk', platform: 'W', token: `${simulators.wns.channelUrl}desk` },
      { deviceId: 'huawei', platform: 'H', token: 'huawei-1' },
    ]),
  );

  it.each(['replaced', 'removed and made anew'])(
    'APNs, %s: the next message goes under it, and the old connections close',
    async (how) => {
      const put = (credentials: ReturnType<typeof createApnsCredentials>['credentials']) =>
        api.app('PUT', '/settings/apnsConf', { ...credentials });
      const before = createApnsCredentials('com.example.app');
      const after = createApnsCredentials('com.example.app');
      for (const { registration } of [before, after])
        await simulators.admin.registerCredentials({ apns: registration });
      await put(before.credentials);
      await send('A');
      expect(keyIdOf(await authorization('apns'))).toBe(before.credentials.keyId);

      if (how !== 'replaced') await api.app('DELETE', '/settings/apnsConf');
      expect((await put(after.credentials)).status).toBe(200);
      await send('A');
      expect(keyIdOf(await authorization('apns'))).toBe(after.credentials.keyId);
      await expect.poll(() => openConnections('apns'), { timeout: 10_000 }).toBe(1);
    },
  );

  it('WNS and HMS: access tokens of the new client, connections of its own', async () => {
    const wns = [createWnsCredentials(), createWnsCredentials()] as const;
    const hms = [createHmsCredentials(), createHmsCredentials()] as const;
    const seen = { wns: [] as string[], hms: [] as string[] };
    for (const version of [0, 1] as const) {
      const app = { ...hms[version].credentials.oauth, clientId: `client-${version}` };
      await simulators.admin.registerCredentials({ wns: wns[version].package, hms: app });
      expect((await api.app('PUT', '/settings/wnsConf', wns[version].package)).status).toBe(200);
      expect((await api.app('PUT', '/settings/hmsConf', app)).status).toBe(200);
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
