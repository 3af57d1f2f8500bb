import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, requestToken } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { EMBEDDED } from './stages.js';

/** Every refusal: its status and code, the field and reason in its words, nothing stored and nothing sent. */

let carillon: RunningCarillon;
let api: Api;
let clean: () => void;

beforeAll(async () => {
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  carillon = await startCarillon(prepared.environment);
  api = await Api.connect(carillon.url);
});

afterAll(async () => {
  await carillon.stop();
  clean();
});

const hello = { message: { alert: 'Hello' } };
/** 1 MiB is the limit. */
const TOO_LARGE = JSON.stringify({ message: { alert: 'x'.repeat(1_100_000) } });

const refusals: readonly [name: string, body: unknown, status: number, code: string, says: RegExp][] = [
  ['no body', undefined, 400, 'FPWSE0004E', /JSON body is required/],
  ['an empty body', '', 400, 'FPWSE0004E', /JSON body is required/],
  ['broken JSON', '{"message":', 400, 'FPWSE0004E', /not valid JSON/],
  ['a list', '[]', 400, 'FPWSE0004E', /must be a JSON object/],
  ['a number', '7', 400, 'FPWSE0004E', /must be a JSON object/],
  ['null', 'null', 400, 'FPWSE0004E', /JSON body is required/],
  ['no message', {}, 400, 'FPWSE0005E', /'message'.*required/],
  ['a message that is no object', { message: 'Hello' }, 400, 'FPWSE0005E', /'message'/],
  ['no alert', { message: {} }, 400, 'FPWSE0005E', /'message\.alert'.*required/],
  ['an alert that is no string', { message: { alert: 7 } }, 400, 'FPWSE0005E', /'message\.alert'.*string/],
  [
    'an alert over the provider’s size',
    { message: { alert: 'x'.repeat(4_096) } },
    400,
    'FPWSE0005E',
    /'message\.alert'.*bytes at apns, which takes 4096/,
  ],
  [
    'a payload over the provider’s size',
    { ...hello, settings: { gcm: { payload: { a: 'x'.repeat(5_000) } } }, target: { platforms: ['G'] } },
    400,
    'FPWSE0005E',
    /'settings\.gcm'.*bytes at fcm, which takes 4096/,
  ],
  ['a body over the limit', TOO_LARGE, 413, 'CARIL0413E', /larger than/],
  [
    'an unknown kind of target',
    { ...hello, target: { segments: ['a'] } },
    400,
    'FPWSE0005E',
    /'target\.segments'.*no such target/,
  ],
  [
    'two kinds at once',
    { ...hello, target: { deviceIds: ['a'], userIds: ['b'] } },
    400,
    'FPWSE0005E',
    /'target'.*only one of deviceIds and userIds/,
  ],
  ['an empty target', { ...hello, target: {} }, 400, 'FPWSE0005E', /'target'.*empty/],
  ['a null target', { ...hello, target: null }, 400, 'FPWSE0005E', /'target'.*must be an object/],
  ['a target that is a list', { ...hello, target: [] }, 400, 'FPWSE0005E', /'target'.*must be an object/],
  ['an empty target put into settings', { ...hello, settings: { target: {} } }, 400, 'FPWSE0005E', /'target'.*empty/],
  ...['deviceIds', 'userIds', 'tagNames', 'platforms'].map((kind): [string, unknown, number, string, RegExp] => [
    `empty ${kind}`,
    { ...hello, target: { [kind]: [] } },
    400,
    'FPWSE0005E',
    new RegExp(`'target.${kind}'.*empty`),
  ]),
  ...['deviceIds', 'userIds', 'tagNames'].map((kind): [string, unknown, number, string, RegExp] => [
    `${kind} that are no list`,
    { ...hello, target: { [kind]: 'a' } },
    400,
    'FPWSE0005E',
    new RegExp(`'target.${kind}'.*list`),
  ]),
  [
    'a device id that is no string',
    { ...hello, target: { deviceIds: [7] } },
    400,
    'FPWSE0005E',
    /'target\.deviceIds'.*string/,
  ],
  [
    'an unknown platform',
    { ...hello, target: { platforms: ['X'] } },
    400,
    'FPWSE0005E',
    /'target\.platforms'.*one of A, G/,
  ],
  [
    'only unknown devices',
    { ...hello, target: { deviceIds: ['nobody'] } },
    404,
    'FPWSE0009E',
    /target\.deviceIds.*nobody/,
  ],
  ['only unknown users', { ...hello, target: { userIds: ['nobody'] } }, 404, 'FPWSE0009E', /target\.userIds.*nobody/],
  [
    'an unknown tag',
    { ...hello, target: { tagNames: ['news', 'nothing'] } },
    404,
    'FPWSE0001E',
    /target\.tagNames.*nothing/,
  ],
  ['SMS', { ...hello, notificationType: 2 }, 400, 'FPWSE0005E', /'notificationType'.*SMS/],
  [
    'a time to live below zero',
    { ...hello, settings: { gcm: { timeToLive: -1 } } },
    400,
    'FPWSE0005E',
    /'settings\.gcm\.timeToLive'.*at least 0/,
  ],
  ['a NUL', { message: { alert: 'a\0b' } }, 400, 'FPWSE0004E', /NUL/],
  ['half a surrogate pair', '{"message":{"alert":"\\ud800"}}', 400, 'FPWSE0004E', /surrogate/],
  [
    'a tower of lists',
    `{"message":{"alert":"a"},"settings":{"apns":{"payload":{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}}}}`,
    400,
    'FPWSE0004E',
    /nested deeper/,
  ],
];

describe('POST messages refuses', () => {
  it.each(refusals)('%s', async (_name, body, status, code, says) => {
    const answer = await api.app('POST', '/messages', body);
    expect(answer).toMatchObject({ status, body: { code, message: expect.stringMatching(says) as string } });
    expect(answer.body).not.toHaveProperty('messageId');
  });

  it('and has stored none of it', async () => {
    const messageId = await api.send(hello);
    // Fresh database: had a refused message been kept, its batches would be ahead of this one's.
    const report = await api.waitFor(messageId);
    expect(report.audience).toBe(5);
  });

  it('another body under the same Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'k-1' };
    const first = await api.send(hello, key);
    const other = await api.app('POST', '/messages', { message: { alert: 'Other' } }, key);
    expect(other).toMatchObject({
      status: 409,
      body: { code: 'FPWSE0002E', message: expect.stringMatching(/Idempotency-Key/) as string },
    });
    expect(await api.send(hello, key)).toBe(first);
  });

  it('an Idempotency-Key that is too long', async () => {
    const answer = await api.app('POST', '/messages', hello, { 'idempotency-key': 'k'.repeat(256) });
    expect(answer).toMatchObject({ status: 400, body: { code: 'FPWSE0005E' } });
  });

  it('a disabled application', async () => {
    await api.call('POST', '/apps/', { applicationId: 'com.example.off', enabled: 'false' });
    const answer = await api.call('POST', '/apps/com.example.off/messages', hello);
    expect(answer).toMatchObject({ status: 409, body: { code: 'FPWSE1007E' } });
  });
});

describe('POST messages accepts with a warning', () => {
  it('unknown fields, wherever they are', async () => {
    const answer = await api.app<{ warnings: string[] }>('POST', '/messages', {
      message: { alert: 'Hello', mood: 'good' },
      settings: { apns: { badge: 1, colour: 'red' } },
      campaign: 7,
    });
    expect(answer.status).toBe(202);
    expect(answer.body.warnings).toHaveLength(3);
    for (const field of ['message.mood', 'settings.apns.colour', 'campaign'])
      expect(answer.body.warnings).toContainEqual(expect.stringContaining(`'${field}'`));
  });

  it('some unknown users beside known ones', async () => {
    const answer = await api.app<{ warnings: string[]; messageId: string }>('POST', '/messages', {
      ...hello,
      target: { userIds: ['anna', 'nobody'] },
    });
    expect(answer.status).toBe(202);
    expect(answer.body.warnings).toEqual([expect.stringContaining('nobody')]);
    expect((await api.message(answer.body.messageId)).audience).toBe(2);
  });
});

describe('the guard', () => {
  const path = '/imfpush/v1/apps/com.example.app/messages/abcd1234';

  it.each([
    ['no token', undefined, 'Bearer'],
    ['a token that is none', 'Bearer nonsense', 'Bearer error="invalid_token"'],
    ['another scheme', 'Basic dGVzdDp0ZXN0', 'Bearer error="invalid_token"'],
  ])('answers 401 to %s', async (_name, authorization, challenge) => {
    const response = await fetch(carillon.url + path, { headers: authorization ? { authorization } : {} });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(challenge);
    expect(await response.json()).toMatchObject({ code: 'CARIL0401E' });
  });

  it('answers 401 to a token whose signature was tampered with', async () => {
    const issued = await requestToken(carillon.url, { id: 'test', secret: 'test', scope: '*' });
    const { access_token: token } = (await issued.json()) as { access_token: string };
    const [header, payload, signature] = token.split('.');
    const forged = Buffer.from(payload!, 'base64url').toString().replace('"sub":"test"', '"sub":"root"');
    const response = await fetch(carillon.url + path, {
      headers: { authorization: `Bearer ${header}.${Buffer.from(forged).toString('base64url')}.${signature}` },
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
  });

  it.each([
    ['another application', 'messages.read push.application.com.example.other'],
    ['a missing element', 'messages.write push.application.com.example.app'],
    ['no scope of its own', ''],
  ])('answers 403 to a token for %s, and names the scope it wants', async (_name, scope) => {
    const other = await Api.connect(carillon.url, 'com.example.app', scope);
    const answer = await other.app('GET', '/messages/abcd1234');
    expect(answer.status).toBe(403);
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_scope", scope="RegisteredClient messages.read push.application.com.example.app"',
    );
    expect(answer.body).toMatchObject({ code: 'CARIL0403E' });
  });

  it('lets a wildcard pass', async () => {
    const other = await Api.connect(carillon.url, 'com.example.app', 'messages.* push.application.com.example.*');
    expect((await other.app('GET', '/messages/abcd1234')).status).toBe(404);
  });
});

describe('other requests refused', () => {
  it.each([
    ['an unknown application', 'POST', '/apps/com.example.none/messages', hello, 404, 'FPWSE0001E', /application/],
    ['an unknown message', 'GET', '/apps/com.example.app/messages/abcd1234', undefined, 404, 'FPWSE0001E', /messageId/],
    [
      'a message with an odd id',
      'GET',
      `/apps/com.example.app/messages/${encodeURIComponent('../😀%')}`,
      undefined,
      404,
      'FPWSE0001E',
      /messageId/,
    ],
    ['a NUL in the path', 'GET', '/apps/com.example.app/messages/a%00b', undefined, 400, 'FPWSE0005E', /NUL/],
    ['a percent sign alone', 'GET', '/apps/com.example.app/messages/a%zz', undefined, 400, 'FPWSE0004E', /./],
    ['a path that is nothing', 'GET', '/nothing', undefined, 404, 'FPWSE0001E', /./],
    [
      'an application that exists',
      'POST',
      '/apps/',
      { applicationId: 'com.example.app' },
      409,
      'FPWSE0002E',
      /exists already/,
    ],
    [
      'an application id with a space',
      'POST',
      '/apps/',
      { applicationId: 'a b' },
      400,
      'FPWSE0005E',
      /'applicationId'/,
    ],
    [
      'a device without a token',
      'POST',
      '/apps/com.example.app/devices',
      { deviceId: 'a', platform: 'A' },
      400,
      'FPWSE0005E',
      /'token'/,
    ],
    [
      'a device of no platform',
      'POST',
      '/apps/com.example.app/devices',
      { deviceId: 'a', platform: 'Z', token: 't' },
      400,
      'FPWSE0005E',
      /'platform'.*one of/,
    ],
    [
      'a user id of 255 characters',
      'POST',
      '/apps/com.example.app/devices',
      { deviceId: 'a', platform: 'A', token: 't', userId: 'u'.repeat(255) },
      400,
      'FPWSE0005E',
      /'userId'.*254/,
    ],
    [
      'an update of an unknown device',
      'PUT',
      '/apps/com.example.app/devices/none',
      { token: 't' },
      404,
      'FPWSE0001E',
      /deviceId/,
    ],
    [
      'a subscription to an unknown tag',
      'POST',
      '/apps/com.example.app/subscriptions',
      { deviceId: 'kiosk', tagName: 'none' },
      404,
      'FPWSE0001E',
      /tagName/,
    ],
    [
      'an APNs key that is none',
      'PUT',
      '/apps/com.example.app/settings/apnsConf',
      { key: 'x', keyId: 'ABCDEFGHIJ', teamId: 'ABCDEFGHIJ', bundleId: 'a.b' },
      400,
      'FPWSE0005E',
      /'key'/,
    ],
    [
      'a service account without its key',
      'PUT',
      '/apps/com.example.app/settings/fcmConf',
      { serviceAccount: { project_id: 'p' } },
      400,
      'FPWSE0005E',
      /./,
    ],
    [
      'cancelling what is finished',
      'DELETE',
      '/apps/com.example.app/messages/FINISHED',
      undefined,
      409,
      'CARIL0409E',
      /finished/,
    ],
  ] as const)('%s', async (_name, method, path, body, status, code, says) => {
    const finished = path.includes('FINISHED')
      ? await api.send({ ...hello, target: { deviceIds: ['anna-phone'] } })
      : '';
    if (finished) await api.waitFor(finished);
    const answer = await api.call(method, path.replace('FINISHED', finished), body);
    expect(answer).toMatchObject({ status, body: { code, message: expect.stringMatching(says) as string } });
  });

  it('JSON under another content type, where the documents ask for it', async () => {
    const answer = await api.app('POST', '/devices', '{}', { 'content-type': 'text/plain' });
    expect(answer).toMatchObject({ status: 405, body: { code: 'CARIL0405E' } });
  });
});

describe('the token endpoint refuses', () => {
  const form = 'application/x-www-form-urlencoded';
  const good = `Basic ${Buffer.from('test:test').toString('base64')}`;
  it.each([
    [
      'a wrong secret',
      { authorization: `Basic ${Buffer.from('test:wrong').toString('base64')}` },
      'grant_type=client_credentials',
      'invalid_client',
    ],
    [
      'an unknown client',
      { authorization: `Basic ${Buffer.from('none:test').toString('base64')}` },
      'grant_type=client_credentials',
      'invalid_client',
    ],
    ['no credentials', {}, 'grant_type=client_credentials', 'invalid_client'],
    ['no grant type', { authorization: good }, 'scope=a', 'invalid_request'],
    ['another grant type', { authorization: good }, 'grant_type=password', 'unsupported_grant_type'],
    [
      'a parameter given twice',
      { authorization: good },
      'grant_type=client_credentials&scope=a&scope=b',
      'invalid_request',
    ],
    [
      'JSON',
      { authorization: good, 'content-type': 'application/json' },
      '{"grant_type":"client_credentials"}',
      'invalid_request',
    ],
    ['a malformed scope', { authorization: good }, 'grant_type=client_credentials&scope=%22', 'invalid_scope'],
  ])('%s', async (_name, headers, body, error) => {
    const response = await fetch(`${carillon.url}/mfp/api/az/v1/token`, {
      method: 'POST',
      headers: { 'content-type': form, ...headers },
      body,
    });
    expect(response.status).toBe(400);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toMatchObject({ error });
  });
});

it('has logged no secret, token or text of a message', () => {
  const log = carillon.output().split('The API, to try')[1];
  expect(log).toBeDefined();
  expect(log).not.toMatch(/Hello|sandbox:accepted|eyJ/);
});
