import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RequestBody } from '../harness/api.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { EMBEDDED, STAGES } from './stages.js';
import type { Stage } from './stages.js';

/** Lists as a backend reads them, profiles, and devices in and out by lines. */

const NDJSON = { 'content-type': 'application/x-ndjson' };

interface PageInfo {
  count: string;
  totalCount: string;
  next: string;
  previous: string;
}

let carillon: RunningCarillon;
let api: Api;
let clean: () => void;

async function start(stage: Stage): Promise<void> {
  const prepared = await stage.prepare();
  clean = prepared.clean;
  carillon = await startCarillon(prepared.environment);
  api = await Api.connect(carillon.url);
}
async function end(): Promise<void> {
  await carillon.stop();
  clean();
}

async function newApplication(name: string): Promise<Api> {
  await api.call('POST', '/apps', { applicationId: name });
  return Api.connect(carillon.url, name);
}

/** The answer's lines, each read as JSON. */
async function transfer(
  app: Api,
  body: RequestBody | undefined,
  headers = NDJSON,
): Promise<{ status: number; lines: Record<string, unknown>[] }> {
  const issued = await app.raw(
    body === undefined ? 'GET' : 'POST',
    `/devices:${body === undefined ? 'export' : 'import'}`,
    body,
    headers,
  );
  const text = await issued.text();
  const lines = text.split('\n').filter((line) => line !== '');
  return { status: issued.status, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const ndjson = (lines: readonly unknown[]): string =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');

describe('lists', () => {
  beforeAll(() => start(EMBEDDED));
  afterAll(end);

  it('devices, by the links of each page, with and without a slash', async () => {
    const seen: string[] = [];
    let path = '/apps/com.example.app/devices/?size=2&expand=false';
    let last: PageInfo;
    do {
      const { status, body } = await api.call<{ devices: { deviceId: string }[]; pageInfo: PageInfo }>('GET', path);
      expect(status).toBe(200);
      expect(body.pageInfo).toMatchObject({ count: String(body.devices.length), totalCount: '5' });
      for (const device of body.devices) expect(Object.keys(device).toSorted()).toEqual(['deviceId', 'href', 'userId']);
      seen.push(...body.devices.map((device) => device.deviceId));
      last = body.pageInfo;
      path = last.next.replace('/imfpush/v1', '');
    } while (path);
    expect(seen.toSorted()).toEqual(['anna-phone', 'anna-tablet', 'ben-browser', 'ben-phone', 'kiosk']);
    const { body } = await api.call<{ devices: unknown[] }>('GET', last.previous.replace('/imfpush/v1', ''));
    expect(body.devices).toHaveLength(2);
  });

  it('devices of a user and platform', async () => {
    const { body } = await api.app('GET', '/devices?userId=anna&filter=platform%3D%3DG');
    expect(body).toMatchObject({
      devices: [{ deviceId: 'anna-tablet', platform: 'G', userId: 'anna', phoneNumber: '', token: /./ }].map(
        (device) => ({
          ...device,
          token: expect.stringMatching(device.token) as string,
        }),
      ),
      pageInfo: { count: '1', totalCount: '1', next: '', previous: '' },
    });
  });

  it('tags, with how many devices have them', async () => {
    const { body } = await api.app('GET', '/tags?subscriptionCount=true&filter=name=@s');
    expect(body).toMatchObject({
      tags: [
        { name: 'news', subscriptionCount: 3, createdMode: 'API', href: '/imfpush/v1/apps/com.example.app/tags/news' },
        { name: 'offers', subscriptionCount: 2 },
      ],
      pageInfo: { totalCount: '2' },
    });
  });

  it('a tag is made, read, described anew and removed; its name stays', async () => {
    const name = 'a/b c%😀';
    const path = `/tags/${encodeURIComponent(name)}`;
    expect(await api.app('POST', '/tags', { name, description: 'one' })).toMatchObject({ status: 201, body: { name } });
    expect(await api.app('POST', '/tags', { name })).toMatchObject({ status: 409, body: { code: 'FPWSE0002E' } });
    await api.app('POST', '/subscriptions', { deviceId: 'kiosk', tagName: name });
    expect(await api.app('GET', `${path}?subscriptionCount=true`)).toMatchObject({
      status: 200,
      body: { name, description: 'one', subscriptionCount: 1 },
    });
    expect(await api.app('PUT', path, { description: 'two' })).toMatchObject({
      status: 200,
      body: { description: 'two' },
    });
    expect(await api.app('PUT', path, { name })).toMatchObject({ status: 200, body: { description: 'two' } });
    expect(await api.app('PUT', path, { name: 'other' })).toMatchObject({ status: 400, body: { code: 'FPWSE0005E' } });
    expect((await api.app('DELETE', path)).status).toBe(204);
    expect((await api.app('GET', path)).status).toBe(404);
    expect(await api.app('GET', `/subscriptions?tagName=${encodeURIComponent(name)}`)).toMatchObject({
      body: { subscriptions: [], pageInfo: { totalCount: '0' } },
    });
  });

  it('subscriptions of a device, tag or user', async () => {
    const count = async (query: string): Promise<unknown> =>
      (await api.app<{ pageInfo: PageInfo }>('GET', `/subscriptions${query}`)).body.pageInfo.totalCount;
    expect(await count('?deviceId=anna-tablet')).toBe('3');
    expect(await count('?tagName=news')).toBe('3');
    expect(await count('?userId=ben')).toBe('3');
    expect(await count('?userId=anonymous')).toBe('2');
    expect(await count('')).toBe('10');
  });

  it('a profile is kept when an SDK registers again, and emptied by null', async () => {
    const device = { deviceId: 'profiled', platform: 'G', token: 'sandbox:accepted:p' };
    const profile = {
      language: 'DE-ch',
      timeZone: 'Europe/Zurich',
      appVersion: '7.1',
      attributes: { plan: 'gold', n: 3, on: true },
    };
    expect((await api.app('POST', '/devices', { ...device, ...profile })).body).toMatchObject({
      ...profile,
      language: 'de-CH',
    });
    expect((await api.app('POST', '/devices', device)).body).toMatchObject({ ...profile, language: 'de-CH' });
    const change = { language: null, attributes: { plan: 'free' } };
    const { body } = await api.app('PUT', '/devices/profiled', change);
    expect(body).toMatchObject({ timeZone: 'Europe/Zurich', attributes: { plan: 'free' }, token: device.token });
    expect(body).not.toHaveProperty('language');
    expect((await api.app('PUT', '/devices/profiled', { attributes: null })).body).not.toHaveProperty('attributes');
    expect((await api.app('DELETE', '/devices/profiled')).status).toBe(204);
  });
});

describe.each(STAGES)('devices by lines on $name', (stage) => {
  beforeAll(() => start(stage));
  afterAll(end);

  it('go in, come out, and go in again without a change', async () => {
    const from = await newApplication('com.example.from');
    const to = await newApplication('com.example.to');
    const devices = Array.from({ length: 2_345 }, (_each, n) => ({
      deviceId: `d/${n}😀`,
      platform: n % 2 ? 'A' : 'G',
      token: `sandbox:accepted:${n}`,
      ...(n % 3 === 0 && {
        userId: `u${n}`,
        language: 'fr',
        timeZone: 'Asia/Tokyo',
        appVersion: '1',
        attributes: { n },
      }),
      tagNames: [...(n % 7 ? ['Push.ALL'] : []), ...(n % 5 ? [] : ['news', `of ${n % 50}`])],
    }));
    const imported = await transfer(from, ndjson(devices));
    const none = { moved: 0, rejected: 0, reasons: [] };
    expect(imported).toEqual({ status: 200, lines: [{ lines: 2_345, created: 2_345, updated: 0, ...none }] });
    const exported = await transfer(from, undefined);
    expect(exported.status).toBe(200);
    const withoutTimes = exported.lines.map(({ createdTime: _c, lastUpdatedTime: _l, ...device }) => device);
    const byId = (a: { deviceId?: unknown }, b: { deviceId?: unknown }) =>
      String(a.deviceId) < String(b.deviceId) ? -1 : 1;
    expect(withoutTimes.toSorted(byId)).toEqual(devices.toSorted(byId));
    for (const updated of [0, 2_345]) {
      const again = await transfer(to, ndjson(exported.lines));
      expect(again.lines).toEqual([{ lines: 2_345, created: 2_345 - updated, updated, ...none }]);
    }
    expect((await to.app('GET', '/devices?size=1')).body).toMatchObject({ pageInfo: { totalCount: '2345' } });
    const audiences = async (app: Api): Promise<unknown[]> => {
      const found = [];
      for (const target of [undefined, { tagNames: ['news'] }, { tagNames: ['of 10', 'of 20'] }]) {
        const { body } = await app.app('POST', '/messages', { message: { alert: 'a' }, target, dryRun: true });
        found.push((body.audience as { total: number }).total);
      }
      return found;
    };
    expect(await audiences(to)).toEqual([2_010, 469, 94]);
    expect(await audiences(from)).toEqual([2_010, 469, 94]);
  });

  it('a line’s subscriptions are all that its device has afterwards; without any, they stay', async () => {
    const app = await newApplication('com.example.tagged');
    const line = (n: number, tagNames?: unknown) => ({ deviceId: `d${n}`, platform: 'A', token: `t${n}`, tagNames });
    const tagsOf = async () => (await transfer(app, undefined)).lines.map(({ tagNames }) => tagNames);
    await app.app('POST', '/tags', { name: 'old', description: 'kept' });
    await transfer(app, ndjson([line(1, ['old']), line(2, ['old', 'Push.ALL']), line(3)]));
    expect(await tagsOf()).toEqual([['old'], ['Push.ALL', 'old'], ['Push.ALL']]);
    const bad = [7, 'old', [''], [7], ['push.all'], ['x'.repeat(255)], Array(10_001).fill('x'), ['a\0']];
    const { status, lines } = await transfer(
      app,
      ndjson([
        line(1),
        line(2, ['new', 'new']),
        line(3, []),
        ...bad.map((tagNames) => line(4, tagNames)),
        line(5, ['b']),
      ]),
    );
    expect([status, lines[0]]).toMatchObject([207, { created: 1, updated: 3, rejected: bad.length }]);
    expect(lines[1]).toMatchObject({
      line: 4,
      code: 'FPWSE0005E',
      message: expect.stringMatching(/'tagNames'/) as string,
    });
    expect(await tagsOf()).toEqual([['old'], ['new'], [], ['b']]);
    const { body } = await app.app('GET', '/tags?subscriptionCount=true');
    expect(body.tags).toMatchObject([
      { name: 'b', subscriptionCount: 1 },
      { name: 'new', subscriptionCount: 1 },
      { name: 'old', description: 'kept', subscriptionCount: 1 },
    ]);
  });

  it('bad ones are reported by their number, and the others kept', async () => {
    const app = await newApplication('com.example.bad');
    const good = (n: number) => ({ deviceId: `d${n}`, platform: 'G', token: `t${n}` });
    const { status, lines } = await transfer(
      app,
      new Blob([
        '\ufeff',
        ndjson([
          good(1),
          '',
          '{"deviceId":',
          { ...good(4), platform: 'Z' },
          '[1]',
          { ...good(6), token: '' },
          '   ',
          good(8),
        ]),
        ndjson([
          { ...good(9), deviceId: 7 },
          `{"deviceId":"${'x'.repeat(200_000)}"}`,
          '{"a":"\\u0000"}',
          '{"__proto__":{}}',
        ]),
        new Uint8Array([0x22, 0xff, 0xfe, 0x22, 0x0a]),
        '{"deviceId":"last","platform":"G","token":"without a newline"}',
      ]),
    );
    expect(status).toBe(207);
    const [summary, ...rejected] = lines;
    expect(summary).toMatchObject({ lines: 12, created: 3, updated: 0, moved: 0, rejected: 9 });
    expect(rejected.map(({ line }) => line)).toEqual([3, 4, 5, 6, 9, 10, 11, 12, 13]);
    expect(rejected[1]).toMatchObject({
      code: 'FPWSE0005E',
      message: expect.stringMatching(/'platform'.*one of/) as string,
    });
    const reasons = (summary as { reasons: { lines: number; firstLine: number }[] }).reasons;
    expect(reasons.reduce((sum, reason) => sum + reason.lines, 0)).toBe(9);
    expect((await app.app('GET', '/devices/last')).status).toBe(200);
    expect((await app.app('GET', '/devices?size=1')).body).toMatchObject({ pageInfo: { totalCount: '3' } });
  });

  it('ten thousand bad ones are all listed, under a summary that counts their reasons', async () => {
    const app = await newApplication('com.example.worse');
    const bad = Array.from({ length: 10_000 }, (_each, n) => (n % 4 ? { deviceId: 'a' } : '{'));
    const { lines } = await transfer(app, ndjson(bad));
    expect(lines).toHaveLength(10_001);
    expect(lines[0]).toMatchObject({
      rejected: 10_000,
      reasons: [
        { lines: 7_500, firstLine: 2 },
        { lines: 2_500, firstLine: 1 },
      ],
    });
    expect((await app.app('GET', '/devices')).body).toMatchObject({ devices: [] });
  });

  it('tokens move inside a file, across its batches and from devices that were there', async () => {
    const app = await newApplication('com.example.moves');
    const line = (deviceId: string, token: string) => ({ deviceId, platform: 'A', token });
    await app.registerDevices([line('there', 't-there'), line('other', 't-other')]);
    const filler = Array.from({ length: 1_200 }, (_each, n) => line(`f${n}`, `t-f${n}`));
    const { status, lines } = await transfer(
      app,
      ndjson([
        line('a', 't-1'),
        line('b', 't-1'),
        line('new', 't-there'),
        ...filler,
        line('late', 't-f7'),
        line('f8', 't-8'),
      ]),
    );
    expect(status).toBe(200);
    expect(lines).toEqual([{ lines: 1_205, created: 1_203, updated: 2, moved: 2, rejected: 0, reasons: [] }]);
    const statuses = await Promise.all(
      ['a', 'b', 'there', 'new', 'other', 'f7', 'late', 'f8'].map(
        async (id) => (await app.app('GET', `/devices/${id}`)).status,
      ),
    );
    expect(statuses).toEqual([404, 200, 404, 200, 200, 404, 200, 200]);
  });

  it.each([
    ['no line', '', 400, 'FPWSE0004E'],
    ['blank lines only', '\n \r\n\n', 400, 'FPWSE0004E'],
  ])('refuses %s', async (_name, body, status, code) => {
    const app = await newApplication('com.example.empty');
    const answer = await transfer(app, body);
    expect(answer).toMatchObject({ status, lines: [{ code }] });
  });

  it('refuses another content type, lines elsewhere, an unknown application and a token without the scope', async () => {
    const line = ndjson([{ deviceId: 'a', platform: 'A', token: 't' }]);
    expect(await transfer(api, line, { 'content-type': 'application/json' })).toMatchObject({ status: 405 });
    expect(await transfer(api, line, { 'content-type': 'text/plain' })).toMatchObject({ status: 405 });
    expect(await api.app('POST', '/devices', line, NDJSON)).toMatchObject({
      status: 405,
      body: { code: 'CARIL0405E' },
    });
    expect(await api.app('POST', '/messages', line, NDJSON)).toMatchObject({ status: 405 });
    const nowhere = await Api.connect(carillon.url, 'com.example.nowhere');
    expect(await transfer(nowhere, line)).toMatchObject({ status: 404, lines: [{ code: 'FPWSE0001E' }] });
    expect(await transfer(nowhere, undefined)).toMatchObject({ status: 404 });
    const reader = await Api.connect(carillon.url, 'com.example.app', 'devices.read push.application.*');
    expect(await transfer(reader, line)).toMatchObject({ status: 403 });
  });

  it('an upload that breaks off leaves what was read, and the program goes on', async () => {
    const app = await newApplication('com.example.broken');
    const abort = new AbortController();
    async function* lines(): AsyncGenerator<Uint8Array> {
      for (let n = 0; ; n++) {
        yield Buffer.from(ndjson([{ deviceId: `d${n}`, platform: 'A', token: `t${n}` }]));
        if (n === 5_000) abort.abort();
        if (n % 500 === 0) await new Promise((next) => setImmediate(next));
      }
    }
    await expect(
      app.raw('POST', '/devices:import', ReadableStream.from(lines()), NDJSON, abort.signal),
    ).rejects.toThrow(/abort/);
    const { body } = await app.app<{ pageInfo: PageInfo }>('GET', '/devices?size=1');
    expect(Number(body.pageInfo.totalCount)).toBeLessThanOrEqual(5_001);
    expect(carillon.output()).not.toMatch(/ERROR/);
  });
});
