import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import type { Answer } from '../harness/api.js';
import { runProgram } from '../harness/program.js';
import { EMBEDDED } from './stages.js';

/** Applications over the API: lists by pages, removal with all data, and hostile requests. */

const program = runProgram(EMBEDDED);

interface List {
  applications: { applicationId: string; enabled?: string }[];
  pageInfo: Record<'count' | 'totalCount' | 'next' | 'previous', string>;
}
const create = (applicationId: string): Promise<Answer<Record<string, unknown>>> =>
  program.api.call('POST', '/apps/', { applicationId });

describe('the list', () => {
  it('returns all applications page by page, by its links', async () => {
    for (const name of ['a', 'b', 'c', 'd']) expect((await create(`com.list.${name}`)).status).toBe(201);
    const seen: string[] = [];
    let path = '/apps/?size=2';
    while (path !== '') {
      const { status, body } = await program.api.call<List>('GET', path);
      expect(status).toBe(200);
      expect(body.pageInfo).toMatchObject({ totalCount: '5', count: String(body.applications.length) });
      seen.push(...body.applications.map(({ applicationId }) => applicationId));
      path = body.pageInfo.next.replace('/imfpush/v1', '');
    }
    expect(seen).toEqual(['com.example.app', 'com.list.a', 'com.list.b', 'com.list.c', 'com.list.d']);
    const last = await program.api.call<List>('GET', '/apps?offset=3&size=2&expand=true');
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
    expect((await program.api.call<List>('GET', '/apps?offset=99')).body.applications).toEqual([]);
  });

  it.each([
    ['filter=applicationId==com.list.b', ['com.list.b']],
    ['filter=applicationId=@list&filter=applicationId=@.c,applicationId=@.d', ['com.list.c', 'com.list.d']],
    ['filter=applicationId==none', []],
  ])('of ?%s', async (query, ids) => {
    const { body } = await program.api.call<List>('GET', `/apps/?${query}`);
    expect(body.applications).toEqual(ids.map((applicationId) => ({ applicationId })));
    expect(body.pageInfo.totalCount).toBe(String(ids.length));
  });
});

/** Returns the body. */
function deleteAsIs(path: string, authorization: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(program.carillon.url);
    request({ hostname, port, path, method: 'DELETE', headers: { authorization } }, (answer) => resolve(json(answer)))
      .on('error', reject)
      .end();
  });
}

describe('a removed application', () => {
  it('is removed with all its data, sends nothing more, and may be created again', async () => {
    await create('com.example.gone');
    const gone = await Api.connect(program.carillon.url, 'com.example.gone');
    await gone.registerDevices([{ deviceId: 'd', platform: 'A', token: 'sandbox:throttled-forever' }]);
    await gone.app('POST', '/tags', { name: 'news' });
    await gone.app('PUT', '/settings/gcmConf', { senderId: '123', apiKey: 'k' });
    const messageId = await gone.send({ message: { alert: 'Hello' } });
    // If no proxy rewrites the path, a tag of this name from an older release can be removed.
    for (const name of ['..', '%2e%2e', '.'])
      expect(await deleteAsIs(`/imfpush/v1/apps/com.example.gone/tags/${name}`, gone.authorization)).toMatchObject({
        code: 'FPWSE0001E',
        message: expect.stringContaining("'tagName'") as string,
      });
    // A URL library turns it into the application's path.
    expect(await gone.call('DELETE', '/apps/com.example.gone/tags/..')).toMatchObject({
      status: 409,
      body: {
        code: 'CARIL0409E',
        message: expect.stringContaining('has 1 device. Repeat the call with ?devices=delete') as string,
      },
    });
    expect((await gone.call('DELETE', '/apps/com.example.gone?devices=all')).status).toBe(400);
    expect((await gone.app('GET', '/devices/d')).status).toBe(200);
    expect((await gone.call('DELETE', '/apps/com.example.gone?devices=delete')).status).toBe(204);
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

describe('hostile requests', () => {
  const BODIES: [name: string, body: string][] = [
    ['many fields', JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`f${index}`, 1])))],
    ['numbers', '{"senderId":1,"subject":1,"applicationId":1,"enabled":1,"key":1,"packageSID":1,"appId":1}'],
    ['long text', JSON.stringify({ senderId: 'x'.repeat(500_000), applicationId: 'x'.repeat(500_000) })],
  ];
  const CONFS = ['apnsConf', 'gcmConf', 'fcmConf', 'wnsConf', 'hmsConf', 'webPushConf', 'smsConf'];

  it.each(BODIES)('%s: refused with a reason, and nothing is stored', async (_name, body) => {
    const before = await program.api.call<List>('GET', '/apps/?expand=true');
    const calls: [string, string][] = [
      ['POST', '/apps/'],
      ['PUT', '/apps/com.example.app/status'],
    ];
    for (const conf of CONFS) calls.push(['PUT', `/apps/com.example.app/settings/${conf}`]);
    for (const [method, path] of calls) {
      const answer = await program.api.call(method, path, body);
      expect([path, answer.status, answer.body.code]).toEqual([path, 400, expect.stringMatching(/^FPWSE000[45]E$/)]);
      expect(String(answer.body.message).length).toBeLessThan(300);
    }
    expect((await program.api.call<List>('GET', '/apps/?expand=true')).body).toEqual(before.body);
    for (const conf of CONFS) expect((await program.api.app('GET', `/settings/${conf}`)).status).toBe(404);
  });

  it.each([
    ['a slash', 'com%2Fexample'],
    ['dots', '..'],
    ['escaped dots', '%2e%2e%2f%2e%2e'],
    ['a percent sign', '100%25'],
    ['emoji', encodeURIComponent('😀')],
    ['a quote', '%22%27%3B--'],
    ['line breaks', 'a%0d%0aSet-Cookie:x'],
    ['a star', '*'],
    ['the longest allowed id', 'x'.repeat(1_024)],
    ['an id over the limit', 'x'.repeat(5_000)],
    ['a NUL', 'a%00b'],
    ['half a surrogate pair in UTF-8', '%ed%a0%80'],
    ['bytes that are not UTF-8', '%ff%fe'],
    ['a broken escape', 'a%zz'],
  ])('an application id with %s in the path: 400, 403 or 404', async (_name, id) => {
    const limited = await Api.connect(
      program.carillon.url,
      'com.example.app',
      'apps.* settings.read push.application.com.example.app',
    );
    for (const path of [`/apps/${id}`, `/apps/${id}/status`, `/apps/${id}/settings`, `/apps/${id}/settings/apnsCert`]) {
      const answer = await program.api.call('GET', path);
      expect([400, 404]).toContain(answer.status);
      expect(answer.body.code).toMatch(/^FPWSE000[145]E$/);
      expect([400, 403, 404]).toContain((await limited.call('GET', path)).status);
    }
  });
});

it('none of these was an internal fault', () => {
  expect(program.carillon.output()).not.toMatch(/ failed|Internal error|ERROR/);
});
