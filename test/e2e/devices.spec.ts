import { describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import type { RequestBody } from '../harness/api.js';
import { runProgram } from '../harness/program.js';
import { EMBEDDED, STAGES } from './stages.js';

/** Lists by their links, ids with special characters, and imports and exports by lines. */

const NDJSON = { 'content-type': 'application/x-ndjson' };

interface PageInfo {
  count: string;
  totalCount: string;
  next: string;
  previous: string;
}

/** The answer's lines, each read as JSON, without the trailer of a complete answer, which has to count them. */
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
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  if (issued.ok) expect(lines.pop()).toEqual({ trailer: { count: lines.length } });
  return { status: issued.status, lines };
}

const ndjson = (lines: readonly unknown[]): string =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');

const device = { deviceId: 'x', platform: 'A', token: 't' };

describe('on the embedded database', () => {
  const program = runProgram(EMBEDDED);

  it('lists devices by the links of each page, with and without a slash', async () => {
    const seen: string[] = [];
    let path = '/apps/com.example.app/devices/?size=2&expand=false';
    let last: PageInfo;
    do {
      const { status, body } = await program.api.call<{ devices: { deviceId: string }[]; pageInfo: PageInfo }>(
        'GET',
        path,
      );
      expect(status).toBe(200);
      expect(body.pageInfo).toMatchObject({ count: String(body.devices.length), totalCount: '5' });
      for (const device of body.devices) expect(Object.keys(device).toSorted()).toEqual(['deviceId', 'href', 'userId']);
      seen.push(...body.devices.map((device) => device.deviceId));
      last = body.pageInfo;
      path = last.next.replace('/imfpush/v1', '');
    } while (path);
    expect(seen.toSorted()).toEqual(['anna-phone', 'anna-tablet', 'ben-browser', 'ben-phone', 'kiosk']);
    const { body } = await program.api.call<{ devices: unknown[] }>('GET', last.previous.replace('/imfpush/v1', ''));
    expect(body.devices).toHaveLength(2);
  });

  it.each([
    ['slashes', 'a/b//c'],
    ['dots', '...a..b.'],
    ['a path', '../../apps/com.example.app'],
    ['percent signs', '100%25%2F%'],
    ['emoji', '📱'.repeat(255)],
    ['a query', '?a=b&c#d'],
    ['a colon', 'urn:import'],
    ['quotes', `'; drop table device; --"`],
    ['spaces and lines', ' a\r\nb\t'],
    ['brackets and backslashes', '{a}[b]\\:*'],
    ["a name of an object's member", 'constructor'],
  ])('ids of %s work like others', async (_what, id) => {
    const path = `/devices/${encodeURIComponent(id)}`;
    expect((await program.api.app('GET', path)).status).toBe(404);
    const body = { ...device, deviceId: id, token: `sandbox:accepted:${id}`.slice(0, 199), userId: id.slice(0, 254) };
    expect(await program.api.app('POST', '/devices', body)).toMatchObject({ status: 201, body: { deviceId: id } });
    const { body: read } = await program.api.app<{ href: string }>('GET', path);
    expect(read).toMatchObject({ deviceId: id, userId: id.slice(0, 254) });
    expect((await program.api.call('GET', read.href.replace('/imfpush/v1', ''))).status).toBe(200);
    const found = await program.api.app('GET', `/devices?userId=${encodeURIComponent(id.slice(0, 254))}`);
    expect(found.body).toMatchObject({ devices: [{ deviceId: id }] });
    const subscribed = await program.api.app('POST', '/subscriptions', { deviceId: id, tagName: 'news' });
    expect(subscribed).toMatchObject({ status: 201, body: { deviceId: id, tagName: 'news' } });
    const query = `deviceId=${encodeURIComponent(id)}&tagName=news`;
    expect((await program.api.app('DELETE', `/subscriptions?${query}`)).status).toBe(204);
    expect((await program.api.app('DELETE', path)).status).toBe(204);
  });

  it.each([
    ['a NUL', '/devices/a%00b', 400],
    ['half an escape', '/devices/a%zz', 400],
    ['invalid UTF-8', '/devices/a%ff', 400],
    ['an id over the limit', `/devices/${'x'.repeat(5_000)}`, 400],
    ['an id over the limit of the URL', `/devices/${'x'.repeat(20_000)}`, 431],
  ])('%s', async (_what, path, status) => {
    const response = await program.api.raw('GET', path, undefined, {});
    expect(response.status).toBe(status);
  });
});

describe.each(STAGES)('devices by lines on $name', (stage) => {
  const program = runProgram(stage);
  const newApplication = async (name: string): Promise<Api> => {
    await program.api.call('POST', '/apps', { applicationId: name });
    return Api.connect(program.carillon.url, name);
  };

  it('are imported, exported and imported again without a change', async () => {
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
    const none = { moved: 0, rejected: 0, reasons: [], note: expect.stringMatching(/trailer/) as string };
    expect(imported).toEqual({ status: 200, lines: [{ lines: 2_345, created: 2_345, updated: 0, ...none }] });
    const exported = await transfer(from, undefined);
    expect(exported.status).toBe(200);
    const withoutTimes = exported.lines.map(
      ({ createdTime: _c, lastUpdatedTime: _u, lastSeenTime: _s, ...device }) => device,
    );
    const byId = (a: { deviceId?: unknown }, b: { deviceId?: unknown }) =>
      String(a.deviceId) < String(b.deviceId) ? -1 : 1;
    expect(withoutTimes.toSorted(byId)).toEqual(
      devices.map((device) => ({ ...device, state: 'active' })).toSorted(byId),
    );
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

  it('an export has a trailer that detects a cut one, also without devices', async () => {
    const app = await newApplication('com.example.whole');
    const lines = [1, 2].map((n) => ({ deviceId: `d${n}`, platform: 'G', token: `t${n}` }));
    const whole = { moved: 0, rejected: 0, reasons: [] };
    // A filter that is not known must not be an export of all.
    const filtered = await app.app('GET', '/devices:export?userId=ann');
    expect(filtered).toMatchObject({ status: 400, body: { code: 'FPWSE0007E' } });
    const none = await (await app.raw('GET', '/devices:export', undefined, {})).text();
    expect(await transfer(app, none)).toEqual({ status: 200, lines: [{ lines: 0, created: 0, updated: 0, ...whole }] });
    await transfer(app, ndjson(lines));
    const exported = await (await app.raw('GET', '/devices:export', undefined, {})).text();
    expect((await transfer(app, exported)).lines).toEqual([{ lines: 2, created: 0, updated: 2, ...whole }]);
    const cut = await transfer(app, exported.slice(exported.indexOf('\n') + 1));
    expect(cut).toMatchObject({
      status: 207,
      lines: [
        { updated: 1, rejected: 1 },
        { line: 2, code: 'FPWSE0005E' },
      ],
    });
    expect(cut.lines[1]!.message).toMatch(/'trailer\.count'.* 2, but there were 1 lines before it/);
  });

  it('the subscriptions of a line replace those of its device; without any, they stay', async () => {
    const app = await newApplication('com.example.tagged');
    const line = (n: number, tagNames?: unknown) => ({ deviceId: `d${n}`, platform: 'G', token: `t${n}`, tagNames });
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

  it('reports invalid lines by their number, and stores the others', async () => {
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
          { ...good(10), deviceId: '..' },
          { ...good(11), userId: '.' },
          { ...good(12), tagNames: ['..'] },
          `{"deviceId":"${'x'.repeat(200_000)}"}`,
          '{"a":"\\u0000"}',
          '{"__proto__":{}}',
        ]),
        new Uint8Array([0x22, 0xff, 0xfe, 0x22, 0x0a]),
        '{"deviceId":"last","platform":"G","token":"without-a-newline"}',
      ]),
    );
    expect(status).toBe(207);
    const [summary, ...rejected] = lines;
    expect(summary).toMatchObject({ lines: 15, created: 3, updated: 0, moved: 0, rejected: 12 });
    expect(rejected.map(({ line }) => line)).toEqual([3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16]);
    for (const { message } of rejected.slice(5, 8)) expect(message).toMatch(/must not be a dot segment of a path/);
    expect(rejected[1]).toMatchObject({
      code: 'FPWSE0005E',
      message: expect.stringMatching(/'platform'.*one of/) as string,
    });
    const reasons = (summary as { reasons: { lines: number; firstLine: number }[] }).reasons;
    expect(reasons.reduce((sum, reason) => sum + reason.lines, 0)).toBe(12);
    expect((await app.app('GET', '/devices/last')).status).toBe(200);
    expect((await app.app('GET', '/devices?size=1')).body).toMatchObject({ pageInfo: { totalCount: '3' } });
  });

  it('lists ten thousand invalid lines, with a summary that counts their reasons', async () => {
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

  it('moves tokens inside a file, across its batches and from existing devices', async () => {
    const app = await newApplication('com.example.moves');
    const line = (deviceId: string, token: string) => ({ deviceId, platform: 'G', token });
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
    expect(lines).toMatchObject([{ lines: 1_205, created: 1_203, updated: 2, moved: 2, rejected: 0, reasons: [] }]);
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

  it('refuses another content type, an unknown application and a token without the scope', async () => {
    const line = ndjson([{ deviceId: 'a', platform: 'G', token: 't' }]);
    expect(await transfer(program.api, line, { 'content-type': 'application/json' })).toMatchObject({ status: 405 });
    expect(await transfer(program.api, line, { 'content-type': 'text/plain' })).toMatchObject({ status: 405 });
    const nowhere = await Api.connect(program.carillon.url, 'com.example.nowhere');
    expect(await transfer(nowhere, line)).toMatchObject({ status: 404, lines: [{ code: 'FPWSE0001E' }] });
    expect(await transfer(nowhere, undefined)).toMatchObject({ status: 404 });
    const reader = await Api.connect(program.carillon.url, 'com.example.app', 'devices.read push.application.*');
    expect(await transfer(reader, line)).toMatchObject({ status: 403 });
  });

  it('keeps the read part of an interrupted upload, and the program continues', async () => {
    const app = await newApplication('com.example.broken');
    const abort = new AbortController();
    async function* lines(): AsyncGenerator<Uint8Array> {
      for (let n = 0; ; n++) {
        yield Buffer.from(ndjson([{ deviceId: `d${n}`, platform: 'G', token: `t${n}` }]));
        if (n === 5_000) abort.abort();
        if (n % 500 === 0) await new Promise((next) => setImmediate(next));
      }
    }
    await expect(
      app.raw('POST', '/devices:import', ReadableStream.from(lines()), NDJSON, abort.signal),
    ).rejects.toThrow(/abort/);
    const { body } = await app.app<{ pageInfo: PageInfo }>('GET', '/devices?size=1');
    expect(Number(body.pageInfo.totalCount)).toBeLessThanOrEqual(5_001);
    expect(program.carillon.output()).not.toMatch(/ERROR/);
  });
});
