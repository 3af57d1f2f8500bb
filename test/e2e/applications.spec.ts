import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import type { Answer } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { EMBEDDED } from './stages.js';

/** Applications over the API: listed, switched off and on, removed with everything of theirs; and hostile requests. */

let carillon: RunningCarillon;
let clean: () => void;
let api: Api;

beforeAll(async () => {
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  carillon = await startCarillon(prepared.environment);
  api = await Api.connect(carillon.url);
});
afterAll(async () => {
  await carillon?.stop();
  clean?.();
});

interface List {
  applications: { applicationId: string; enabled?: string }[];
  pageInfo: Record<'count' | 'totalCount' | 'next' | 'previous', string>;
}
const create = (applicationId: string): Promise<Answer<Record<string, unknown>>> =>
  api.call('POST', '/apps/', { applicationId });

describe('the list', () => {
  it('goes through all of them page by page, by the links it gives', async () => {
    for (const name of ['a', 'b', 'c', 'd']) expect((await create(`com.list.${name}`)).status).toBe(201);
    const seen: string[] = [];
    let path = '/apps/?size=2';
    while (path !== '') {
      const { status, body } = await api.call<List>('GET', path);
      expect(status).toBe(200);
      expect(body.pageInfo).toMatchObject({ totalCount: '5', count: String(body.applications.length) });
      seen.push(...body.applications.map(({ applicationId }) => applicationId));
      path = body.pageInfo.next.replace('/imfpush/v1', '');
    }
    expect(seen).toEqual(['com.example.app', 'com.list.a', 'com.list.b', 'com.list.c', 'com.list.d']);
    const last = await api.call<List>('GET', '/apps?offset=3&size=2&expand=true');
    expect(last.body).toEqual({
      applications: [
        { applicationId: 'com.list.c', enabled: 'true' },
        { applicationId: 'com.list.d', enabled: 'true' },
      ],
      pageInfo: {
        count: '2',
        totalCount: '5',
        next: '',
        previous: expect.stringMatching(/^\/imfpush\/v1\/apps\?offset=1&size=2&expand=true&cursor=[\w-]+$/) as string,
      },
    });
    expect((await api.call<List>('GET', '/apps?offset=99')).body.applications).toEqual([]);
  });

  it.each([
    ['filter=applicationId==com.list.b', ['com.list.b']],
    ['filter=applicationId=@list&filter=applicationId=@.c,applicationId=@.d', ['com.list.c', 'com.list.d']],
    ['filter=applicationId==none', []],
  ])('of ?%s', async (query, ids) => {
    const { body } = await api.call<List>('GET', `/apps/?${query}`);
    expect(body.applications).toEqual(ids.map((applicationId) => ({ applicationId })));
    expect(body.pageInfo.totalCount).toBe(String(ids.length));
  });

  it.each([
    ['offset=-1', 'FPWSE1079E'],
    ['offset=x', 'FPWSE1079E'],
    ['offset=1e3', 'FPWSE1079E'],
    ['offset=9999999999999999999', 'FPWSE1079E'],
    ['offset=1&offset=2', 'FPWSE1079E'],
    ['size=0', 'FPWSE1080E'],
    ['size=-5', 'FPWSE1080E'],
    ['expand=maybe', 'FPWSE0005E'],
    ['filter=enabled==true', 'FPWSE0005E'],
    ['cursor=x', 'FPWSE0005E'],
  ])('refuses ?%s', async (query, code) => {
    expect(await api.call('GET', `/apps/?${query}`)).toMatchObject({ status: 400, body: { code } });
  });
});

it('a disabled application accepts no messages until it is enabled', async () => {
  const hello = { message: { alert: 'Hello' } };
  expect(await api.app('PUT', '/status', { enabled: 'false' })).toMatchObject({
    status: 200,
    body: { applicationId: 'com.example.app', enabled: 'false' },
  });
  expect((await api.app('GET', '/status')).body).toEqual({ enabled: 'false' });
  expect(await api.app('POST', '/messages', hello)).toMatchObject({ status: 409, body: { code: 'FPWSE1007E' } });
  expect((await api.app('PUT', '/status', { enabled: true })).body).toMatchObject({ enabled: 'true' });
  expect((await api.app('POST', '/messages', hello)).status).toBe(202);
  for (const body of [{}, { enabled: 'yes' }, { enabled: 1 }, { enabled: null }])
    expect(await api.app('PUT', '/status', body)).toMatchObject({ status: 400, body: { code: 'FPWSE0005E' } });
});

describe('a removed application', () => {
  it('takes everything of it along, sends nothing more, and may be made again', async () => {
    await create('com.example.gone');
    const gone = await Api.connect(carillon.url, 'com.example.gone');
    await gone.registerDevices([{ deviceId: 'd', platform: 'A', token: 'sandbox:throttled-forever' }]);
    await gone.app('POST', '/tags', { name: 'news' });
    await gone.app('PUT', '/settings/gcmConf', { senderId: '123', apiKey: 'k' });
    const messageId = await gone.send({ message: { alert: 'Hello' } });
    expect((await gone.call('DELETE', '/apps/com.example.gone')).status).toBe(204);
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['DELETE', '', undefined],
      ['GET', '/status', undefined],
      ['PUT', '/status', { enabled: true }],
      ['GET', '/settings', undefined],
      ['GET', '/settings/gcmConf', undefined],
      ['PUT', '/settings/gcmConf', { senderId: '123' }],
      ['GET', '/devices/d', undefined],
      ['POST', '/devices', { deviceId: 'd', platform: 'A', token: 't' }],
      ['GET', '/tags', undefined],
      ['GET', `/messages/${messageId}`, undefined],
      ['POST', '/messages', { message: { alert: 'Hello' } }],
    ] as const)
      expect([path, await gone.app(method, path, body)]).toMatchObject([
        path,
        { status: 404, body: { code: 'FPWSE0001E' } },
      ]);
    expect((await create('com.example.gone')).status).toBe(201);
    expect((await gone.app('GET', '/tags')).body).toMatchObject({ tags: [], pageInfo: { totalCount: '0' } });
    expect((await gone.app('GET', '/settings/gcmConf')).status).toBe(404);
    expect((await gone.app('GET', `/messages/${messageId}`)).status).toBe(404);
  });
});

describe('webhooks', () => {
  const hook = { name: 'crm', url: 'https://hooks.example/in', eventTypes: 'onDeviceRegister,onSubscribe' };

  it('are made, read, changed and removed; the secret is shown once', async () => {
    const made = await api.app('POST', '/webhooks', hook);
    expect([made.status, made.body]).toEqual([
      200,
      { ...hook, secret: expect.stringMatching(/^[\w-]{43}$/) as string },
    ]);
    expect(await api.app('POST', '/webhooks', hook)).toMatchObject({ status: 409, body: { code: 'FPWSE0002E' } });
    expect((await api.app('GET', '/webhooks')).body).toEqual({ webhooks: [{ ...hook, pending: 0 }] });
    const changed = { url: 'https://hooks.example/other', eventTypes: 'onUnsubscribe' };
    expect((await api.app('PUT', '/webhooks/crm', changed)).body).toEqual({ name: 'crm', ...changed });
    expect((await api.app('GET', '/webhooks/crm')).body).toEqual({ name: 'crm', ...changed, pending: 0 });
    expect((await api.app('DELETE', '/webhooks/crm')).status).toBe(204);
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect(await api.app(method, '/webhooks/crm', method === 'PUT' ? changed : undefined)).toMatchObject({
        status: 404,
        body: { code: 'FPWSE0001E' },
      });
  });

  it.each([
    ['name', { ...hook, name: 'a/b' }],
    ['name', { ...hook, name: 'x'.repeat(65) }],
    ['name', { ...hook, name: undefined }],
    ['url', { ...hook, url: 'http://hooks.example/' }],
    ['url', { ...hook, url: 'https://127.0.0.1/' }],
    ['url', { ...hook, url: 'https://[::ffff:10.0.0.1]/' }],
    ['url', { ...hook, url: 7 }],
    ['eventTypes', { ...hook, eventTypes: 'onSubscribe,nothing' }],
    ['eventTypes', { ...hook, eventTypes: ['onSubscribe'] }],
    ['eventTypes', { ...hook, eventTypes: '' }],
  ])('are refused for a wrong %s: %j', async (field, body) => {
    expect(await api.app('POST', '/webhooks', body)).toMatchObject({
      status: 400,
      body: { code: 'FPWSE0005E', message: expect.stringContaining(`'${field}'`) as string },
    });
    expect((await api.app('GET', '/webhooks')).body).toEqual({ webhooks: [] });
  });
});

describe('hostile requests', () => {
  const key = { keyId: 'ABCDEFGHIJ', teamId: 'ABCDEFGHIJ', bundleId: 'a.b' };
  const deep = (levels: number): string => `{"key":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  const BODIES: [name: string, body: string][] = [
    ['deep JSON', deep(100)],
    ['very deep JSON', deep(200_000)],
    ['many fields', JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`f${index}`, 1])))],
    ['a prototype key', '{"__proto__":{"enabled":true},"senderId":"1","subject":"mailto:a@b"}'],
    ['a constructor key', '{"constructor":{"prototype":{}},"senderId":"1","subject":"mailto:a@b"}'],
    [
      'a NUL',
      JSON.stringify({ ...key, senderId: 'a\0b', subject: 'mailto:a\0@b', applicationId: 'a\0', enabled: 'true\0' }),
    ],
    [
      'half a surrogate pair',
      '{"senderId":"\\ud800","subject":"mailto:\\ud800@b","applicationId":"a\\ud800","enabled":"\\ud800"}',
    ],
    ['a key of half a surrogate pair', '{"\\udfff":1,"senderId":"1","subject":"mailto:a@b"}'],
    ['numbers', '{"senderId":1,"subject":1,"applicationId":1,"enabled":1,"key":1,"packageSID":1,"appId":1}'],
    ['long text', JSON.stringify({ senderId: 'x'.repeat(500_000), applicationId: 'x'.repeat(500_000) })],
    ['null', 'null'],
    ['text', '"text"'],
    ['a list', '[{}]'],
    ['nothing', ''],
  ];
  const CONFS = ['apnsConf', 'gcmConf', 'fcmConf', 'wnsConf', 'hmsConf', 'webPushConf', 'smsConf'];

  it.each(BODIES)('%s: refused in words, and nothing is kept', async (_name, body) => {
    const before = await api.call<List>('GET', '/apps/?expand=true');
    const calls: [string, string][] = [
      ['POST', '/apps/'],
      ['PUT', '/apps/com.example.app/status'],
    ];
    for (const conf of CONFS) calls.push(['PUT', `/apps/com.example.app/settings/${conf}`]);
    for (const [method, path] of calls) {
      const answer = await api.call(method, path, body);
      expect([path, answer.status, answer.body.code]).toEqual([path, 400, expect.stringMatching(/^FPWSE000[45]E$/)]);
      expect(String(answer.body.message).length).toBeLessThan(300);
    }
    expect((await api.call<List>('GET', '/apps/?expand=true')).body).toEqual(before.body);
    for (const conf of CONFS) expect((await api.app('GET', `/settings/${conf}`)).status).toBe(404);
  });

  it.each([
    ['a slash', 'com%2Fexample'],
    ['dots', '..'],
    ['dots, escaped', '%2e%2e%2f%2e%2e'],
    ['a percent sign', '100%25'],
    ['emoji', encodeURIComponent('😀')],
    ['a quote', '%22%27%3B--'],
    ['line breaks', 'a%0d%0aSet-Cookie:x'],
    ['a star', '*'],
    ['the longest that is read', 'x'.repeat(1_024)],
    ['longer than that', 'x'.repeat(5_000)],
    ['a NUL', 'a%00b'],
    ['half a surrogate pair in UTF-8', '%ed%a0%80'],
    ['no UTF-8', '%ff%fe'],
    ['a broken escape', 'a%zz'],
  ])('an application id with %s in the path: 400, 403 or 404', async (_name, id) => {
    const limited = await Api.connect(
      carillon.url,
      'com.example.app',
      'apps.* settings.read push.application.com.example.app',
    );
    for (const path of [`/apps/${id}`, `/apps/${id}/status`, `/apps/${id}/settings`, `/apps/${id}/settings/apnsCert`]) {
      const answer = await api.call('GET', path);
      expect([400, 404]).toContain(answer.status);
      expect(answer.body.code).toMatch(/^FPWSE000[145]E$/);
      expect([400, 403, 404]).toContain((await limited.call('GET', path)).status);
    }
  });

  it.each(['', '.', '-a', '_a', 'a b', 'a/b', 'a%b', 'ä', '😀', 'a\nb', '*', 'x'.repeat(255)])(
    'no application is made of the id %j',
    async (applicationId) => {
      expect(await create(applicationId)).toMatchObject({
        status: 400,
        body: { code: 'FPWSE0005E', message: expect.stringMatching(/'applicationId'/) as string },
      });
    },
  );

  it('an id of 254 characters is the longest, and can be reached', async () => {
    const longest = `com.${'x'.repeat(250)}`;
    expect((await create(longest)).status).toBe(201);
    expect((await api.call('GET', `/apps/${longest}/status`)).body).toEqual({ enabled: 'true' });
    expect((await api.call('DELETE', `/apps/${longest}`)).status).toBe(204);
  });

  it.each([
    ['POST', '/apps/', '{"applicationId":"com.example.text"}'],
    ['PUT', '/apps/com.example.app/status', '{"enabled":"true"}'],
    ['PUT', '/apps/com.example.app/settings/gcmConf', '{"senderId":"1"}'],
    ['PUT', '/apps/com.example.app/settings/apnsConf', '{}'],
  ])('%s %s: 405 for JSON under another content type', async (method, path, body) => {
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded'])
      expect(await api.call(method, path, body, { 'content-type': type })).toMatchObject({
        status: 405,
        body: { code: 'CARIL0405E' },
      });
  });

  it('406 for an Accept header that excludes JSON, and only for one', async () => {
    const status = async (accept: string, path = '/apps/'): Promise<number> =>
      (await api.call('GET', path, undefined, { accept })).status;
    expect(await status('text/html')).toBe(406);
    expect(await status('application/octet-stream')).toBe(406);
    expect(await status('text/html, */*;q=0.1')).toBe(200);
    expect(await status('application/json; charset=utf-8')).toBe(200);
    expect(await status('application/octet-stream', '/apps/com.example.app/settings/apnsCert')).toBe(404);
  });
});

it('nothing of that was a fault of ours', () => {
  expect(carillon.output()).not.toMatch(/ failed|Internal error|ERROR/);
});
