import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Api, MessageReport } from '../harness/api.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from './stages.js';

/** Messages in bulk, scheduled, as a dry run and with values for each user, and their reports. */

interface Delivery {
  deviceId: string | null;
  provider: string;
  outcome: string;
  reason?: string;
  attempts: number;
}
interface Refusal {
  code: string;
  message: string;
}

const COUNT = 30;

describe.each(STAGES)('on $name', (stage) => {
  const program = runProgram(stage);
  let api: Api;
  beforeAll(async () => {
    api = program.api;
    await api.registerDevices([
      ...Array.from({ length: COUNT }, (_, index) => ({
        deviceId: `crowd-${index}`,
        platform: 'A',
        token: `sandbox:${index % 3 === 0 ? 'rejected' : 'accepted'}:crowd-${index}`,
        userId: 'crowd',
      })),
      { deviceId: 'ann', platform: 'A', token: 'sandbox:accepted:ann', userId: 'u-ann' },
      { deviceId: 'ben', platform: 'G', token: 'sandbox:accepted:ben', userId: 'u-ben' },
      { deviceId: 'late', platform: 'A', token: 'sandbox:throttled-forever:late', userId: 'u-late' },
      { deviceId: 'a/b%c.d 😀', platform: 'A', token: 'sandbox:accepted:odd', userId: 'u-odd' },
    ]);
  });

  const to = (...userIds: string[]) => ({ userIds });
  const get = <T>(path: string, headers?: Record<string, string>) => api.app<T>('GET', path, undefined, headers);

  it('answers a bulk in order, sends it, and repeats the answer under its key', async () => {
    const bulk = [
      { message: { alert: 'one' }, target: to('u-ann') },
      { message: { alert: 'two' }, target: to('u-ben', 'nobody'), label: 'second' },
    ];
    const key = { 'Idempotency-Key': 'bulk-1' };
    const sent = await api.app<{ messages: { messageId: string; alert: string; href: string; warnings?: string[] }[] }>(
      'POST',
      '/messages/bulk',
      bulk,
      key,
    );
    expect([sent.status, sent.body.messages.map(({ alert }) => alert)]).toEqual([202, ['one', 'two']]);
    expect(sent.body.messages[1]?.warnings).toEqual(['No device is registered for 1 of target.userIds: nobody.']);
    for (const { messageId, href } of sent.body.messages) {
      expect(href).toBe(`/imfpush/v1/apps/com.example.app/messages/${messageId}`);
      expect(await api.waitFor(messageId)).toMatchObject({ audience: 1, outcomes: { accepted: 1 } });
    }
    const again = await api.app<typeof sent.body>('POST', '/messages/bulk', { ArrayOfMessageBody: bulk }, key);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([202, 'true']);
    expect(again.body.messages.map(({ messageId }) => messageId)).toEqual(
      sent.body.messages.map(({ messageId }) => messageId),
    );
    const other = await api.app<Refusal>('POST', '/messages/bulk', [bulk[0]], key);
    expect([other.status, other.body.code]).toEqual([409, 'FPWSE0002E']);
  });

  it('a scheduled message waits, is shown so, can be cancelled, and is sent at its time', async () => {
    const at = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
    const [cancelled, sent] = [
      await api.send({ message: { alert: 'never' }, target: to('u-ann'), sendAt: at(3_600) }),
      await api.send({ message: { alert: 'soon' }, target: to('u-ann'), sendAt: at(2) }),
    ];
    expect(await api.message(cancelled)).toMatchObject({
      state: 'scheduled',
      audience: 0,
      sendTime: expect.any(String) as string,
    });
    const { body } = await get<{ messages: { messageId: string }[] }>('/messages?state=scheduled');
    expect(body.messages.map(({ messageId }) => messageId)).toContain(cancelled);
    expect((await api.app('DELETE', `/messages/${cancelled}`)).status).toBe(204);
    expect(await api.message(cancelled)).toMatchObject({ state: 'cancelled', audience: 0 });
    const report = (await api.waitFor(sent)) as MessageReport & { sendTime: string; firstTime: string };
    expect(report).toMatchObject({ audience: 1, outcomes: { accepted: 1 } });
    expect(Date.parse(report.firstTime)).toBeGreaterThanOrEqual(Date.parse(report.sendTime));
  });

  it('answers a request that is repeated under its key after its times have passed', async () => {
    const key = { 'Idempotency-Key': 'over-1' };
    const end = Date.now() + 1_500;
    const body = { message: { alert: 'x' }, target: to('u-ann'), expiresAt: new Date(end).toISOString() };
    const id = await api.send(body, key);
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(end), { timeout: 10_000 });
    expect((await api.app('POST', '/messages', body)).status).toBe(400);
    const again = await api.app('POST', '/messages', body, key);
    expect([again.status, again.body.messageId, again.headers.get('idempotent-replayed')]).toEqual([202, id, 'true']);
  });

  it('echoes numbers that do not fit a double unchanged, and keeps them in campaigns', async () => {
    const payload = '{"chatId":1147483645123456789,"huge":1e400}';
    const body = `{"message":{"alert":"x"},"settings":{"apns":{"payload":${payload}}},"target":{"userIds":["u-ann"]}}`;
    const headers = { 'content-type': 'application/json' };
    const sent = await api.raw('POST', '/messages', body, headers);
    expect([sent.status, await sent.text()]).toEqual([202, expect.stringContaining(`"message":${body}`)]);
    const campaign = `{"name":"n","content":{"message":{"alert":"x"},"settings":{"gcm":{"payload":${payload}}}},"schedule":{"cron":"0 9 * * *"}}`;
    const made = await api.raw('POST', '/campaigns', campaign, headers);
    expect(made.status).toBe(201);
    const text = await made.text();
    const { campaignId } = JSON.parse(text) as { campaignId: string };
    const read = await (await api.raw('GET', `/campaigns/${campaignId}`, undefined, {})).text();
    // The database orders an object's members differently.
    for (const member of payload.slice(1, -1).split(','))
      expect([text, read]).toEqual([expect.stringContaining(member), expect.stringContaining(member)]);
  });

  it('a dry run reports the audience, the sizes and possible obstacles, and stores nothing', async () => {
    await api.registerDevices([{ deviceId: 'real', platform: 'G', token: 'a-real-token', userId: 'u-dry' }]);
    await api.registerDevices([{ deviceId: 'apple', platform: 'A', token: 'abcd', userId: 'u-dry' }]);
    const tried = await api.app('POST', '/messages', {
      message: { alert: 'x'.repeat(4_000) },
      target: { userIds: ['u-dry', 'nobody'], platforms: ['G'] },
      label: 'dry',
      dryRun: true,
    });
    expect(tried).toMatchObject({
      status: 200,
      body: {
        dryRun: true,
        audience: { total: 1, providers: { fcm: 1 } },
        excluded: { 'another platform': 1 },
        exclusions: [{ code: 'otherPlatform', reason: 'another platform', count: 1 }],
        blocked: [
          { provider: 'fcm', code: 'notConfigured', reason: 'fcm is not configured for this application' },
          {
            provider: 'fcm',
            code: 'tooLarge',
            reason: expect.stringMatching(/bytes, the provider takes 4096/) as string,
            bytes: expect.any(Number) as number,
            limit: 4_096,
          },
        ],
        warnings: ['No device is registered for 1 of target.userIds: nobody.'],
        warningDetails: [
          {
            code: 'unregisteredIds',
            message: 'No device is registered for 1 of target.userIds: nobody.',
            field: 'target.userIds',
            count: 1,
            ids: ['nobody'],
          },
        ],
      },
    });
    expect(tried.body).not.toHaveProperty('messageId');
    expect(tried.body).toMatchObject({
      audience: { exact: true },
      estimate: { finishTime: expect.any(String) as string, binding: { provider: 'fcm' }, ahead: 0 },
    });
    expect((await get<{ messages: unknown[] }>('/messages?label=dry')).body.messages).toEqual([]);
  });

  it('fills in values for each user from data, and names a missing one', async () => {
    const alert = 'Hello {{name}} of {{city|somewhere}}';
    const missing = await api.app<Refusal>('POST', '/messages', {
      message: { alert },
      target: to('u-ann', 'u-ben'),
      data: { 'u-ann': { name: 'Ann' } },
    });
    expect([missing.status, missing.body.code]).toEqual([400, 'FPWSE0005E']);
    expect(missing.body.message).toContain(`'data.u-ben' parameter value: there is no value for '{{name}}'`);
    const id = await api.send({ message: { alert }, target: to('u-ann'), data: { 'u-ann': { name: 'Ann' } } });
    expect(await api.waitFor(id)).toMatchObject({ outcomes: { accepted: 1 } });
    // Without data, the attributes of devices count, which these do not have.
    const unknown = await api.send({ message: { alert }, target: to('u-ann') });
    expect(await api.waitFor(unknown)).toMatchObject({ outcomes: { failed: 1 } });
    const reasons = await get(`/messages/${unknown}/reasons`);
    expect(reasons).toMatchObject({
      status: 200,
      body: {
        exact: true,
        reasons: [{ outcome: 'failed', provider: 'sandbox', reason: expect.any(String) as string, count: 1 }],
      },
    });
    const rendered = await get<{ renderings: { platform: string; alert: string; missing: string[] }[] }>(
      `/messages/${unknown}/renderings`,
    );
    expect(rendered.body.renderings.find(({ platform }) => platform === 'A')).toMatchObject({
      alert: 'Hello {{name}} of somewhere',
      missing: ['name'],
    });
    expect((await get('/messages/none/renderings')).status).toBe(404);
    const { body } = await get<{ deliveries: Delivery[] }>(`/messages/${unknown}/deliveries`);
    expect(body.deliveries).toEqual([
      {
        deviceId: 'ann',
        userId: 'u-ann',
        platform: 'A',
        provider: 'sandbox',
        outcome: 'failed',
        reason: "missing value 'name'",
        attempts: 0,
      },
    ]);
  });

  it('returns deliveries in pages, by filter, and as lines', async () => {
    const id = await api.send({ message: { alert: 'crowd' }, target: to('crowd') });
    const report = (await api.waitFor(id)) as MessageReport & { providers: Record<string, Record<string, number>> };
    expect(report).toMatchObject({ audience: COUNT, outcomes: { accepted: 20, failed: 10 } });
    expect(report.providers.sandbox).toEqual(report.outcomes);
    const seen: (string | null)[] = [];
    let after = '';
    for (let pages = 1; ; pages++) {
      const { body } = await get<{ deliveries: Delivery[]; next?: string }>(
        `/messages/${id}/deliveries?size=7${after}`,
      );
      seen.push(...body.deliveries.map(({ deviceId }) => deviceId));
      if (body.next === undefined) break;
      after = `&after=${body.next}`;
      expect(pages).toBeLessThan(10);
    }
    expect(seen.toSorted()).toEqual(Array.from({ length: COUNT }, (_, index) => `crowd-${index}`).toSorted());
    const failed = await get<{ deliveries: Delivery[] }>(`/messages/${id}/deliveries?outcome=failed&provider=sandbox`);
    expect(failed.body.deliveries).toHaveLength(10);
    expect(
      failed.body.deliveries.every(
        ({ outcome, reason, attempts }) => outcome === 'failed' && reason === 'rejected' && attempts === 1,
      ),
    ).toBe(true);
    expect(
      (await get<{ deliveries: Delivery[] }>(`/messages/${id}/deliveries?deviceId=crowd-3`)).body.deliveries.map(
        ({ deviceId }) => deviceId,
      ),
    ).toEqual(['crowd-3']);
    const lines = await api.raw('GET', `/messages/${id}/deliveries`, undefined, { accept: 'application/x-ndjson' });
    expect([lines.status, lines.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    const read = (await lines.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Delivery);
    expect(read.pop()).toEqual({ trailer: { count: seen.length } });
    expect(read.map(({ deviceId }) => deviceId)).toEqual(seen);
  });

  it('a device’s history has its deliveries and their reasons, also for an id with special characters', async () => {
    const odd = encodeURIComponent('a/b%c.d 😀');
    const ids: string[] = [];
    for (const alert of ['first', 'second', 'third'])
      ids.push(await api.send({ message: { alert }, target: { deviceIds: ['a/b%c.d 😀'] } }));
    for (const id of ids) await api.waitFor(id);
    const page = await get<{ messages: { messageId: string; outcome: string }[]; next?: string }>(
      `/devices/${odd}/messages?size=2`,
    );
    expect(page.body.messages.map(({ messageId, outcome }) => [messageId, outcome])).toEqual([
      [ids[2], 'accepted'],
      [ids[1], 'accepted'],
    ]);
    const rest = await get<{ messages: { messageId: string }[]; next?: string }>(
      `/devices/${odd}/messages?after=${page.body.next}`,
    );
    expect([rest.body.messages.map(({ messageId }) => messageId), rest.body.next]).toEqual([[ids[0]], undefined]);
    const other = await api.send({ message: { alert: 'not for it' }, target: to('u-ann') });
    expect((await get(`/devices/${odd}/messages?messageId=${other}`)).body).toEqual({
      messageId: other,
      deviceId: 'a/b%c.d 😀',
      outcome: 'notInAudience',
      reason: 'the message is for other users',
      reasonCode: 'otherUsers',
    });
    for (const [reasonCode, target, members] of [
      ['otherPlatform', { platforms: ['WEB_CHROME'] }, { targetPlatforms: ['WEB_CHROME'] }],
      ['otherLanguage', { languages: ['fi'] }, {}],
      ['otherTimeZone', { timeZones: ['Asia/Tokyo'] }, {}],
      ['otherAppVersion', { appVersion: { min: '9' } }, {}],
      ['otherAttribute', { attributes: { plan: 'gold' } }, { attribute: 'plan' }],
      ['otherAttribute', { platforms: ['A'], attributes: { age: { min: 18 } } }, { attribute: 'age' }],
    ] as const) {
      const id = await api.send({ message: { alert: 'to others' }, target });
      await api.waitFor(id);
      const told = await get(`/devices/${odd}/messages?messageId=${id}`);
      expect(told.body).toMatchObject({ outcome: 'notInAudience', reasonCode, ...members });
    }
    expect((await get(`/devices/${odd}/messages?messageId=${ids[0]}`)).body).toMatchObject({
      messageId: ids[0],
      outcome: 'accepted',
    });
  });

  it('a cancel reports its counts if asked', async () => {
    const id = await api.send({ message: { alert: 'stop' }, target: to('u-late', 'u-ann') });
    await api.waitFor(id, ({ outcomes }) => outcomes.accepted === 1);
    const cancelled = await api.app('DELETE', `/messages/${id}?counts=true`);
    expect([cancelled.status, cancelled.body]).toEqual([200, { stopped: 1, gone: 1, unknown: 0, final: true }]);
    const again = await api.app('DELETE', `/messages/${id}`, undefined, { Prefer: 'return=representation' });
    expect([again.status, again.body]).toEqual([200, cancelled.body]);
    const silent = await api.app('DELETE', `/messages/${id}`);
    expect([silent.status, silent.body]).toEqual([204, undefined]);
  });

  it('lists the newest first, by state, label and time', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index++)
      ids.unshift(await api.send({ message: { alert: `n${index}` }, target: to('u-ann'), label: 'listed' }));
    for (const id of ids) await api.waitFor(id);
    const list = async (query: string) =>
      (
        await get<{
          messages: { messageId: string; state: string; acceptedTime: string; outcomes: Record<string, number> }[];
          next?: string;
        }>(`/messages?${query}`)
      ).body;
    const first = await list('label=listed&size=3');
    expect(first.messages.map(({ messageId }) => messageId)).toEqual(ids.slice(0, 3));
    expect(first.messages[0]).toMatchObject({ state: 'finished', outcomes: { accepted: 1 }, label: 'listed' });
    const second = await list(`label=listed&size=3&after=${first.next}`);
    expect([second.messages.map(({ messageId }) => messageId), second.next]).toEqual([ids.slice(3), undefined]);
    expect((await list('label=listed&state=cancelled')).messages).toEqual([]);
    const time = encodeURIComponent(first.messages[0]!.acceptedTime);
    expect((await list(`label=listed&from=${time}`)).messages.length).toBeGreaterThanOrEqual(1);
    expect((await list(`label=listed&to=${time}`)).messages.map(({ messageId }) => messageId)).not.toContain(ids[0]);
  });

  it.each<[string, number, string]>([
    ['/messages?size=0', 400, 'FPWSE1080E'],
    ['/messages?size=ten', 400, 'FPWSE0005E'],
    ['/messages?size=1001', 400, 'FPWSE0005E'],
    ['/messages?lable=x', 400, 'FPWSE0007E'],
    ['/messages?state=sent', 400, 'FPWSE0005E'],
    ['/messages?state=removed', 400, 'FPWSE0005E'],
    ['/messages?label=', 400, 'FPWSE0005E'],
    ['/messages?from=yesterday', 400, 'FPWSE0005E'],
    ['/messages?after=%27%3Bdrop', 400, 'FPWSE0005E'],
    ['/messages?label=a&label=b', 400, 'FPWSE0005E'],
    ['/messages?__proto__=1', 400, 'FPWSE0007E'],
    ['/messages?label=%00', 400, 'FPWSE0005E'],
    ['/messages/Nobody00/deliveries', 404, 'FPWSE0001E'],
    ['/messages/%2e%2e%2f/deliveries', 404, 'FPWSE0001E'],
  ])('refuses GET %s', async (path, status, code) => {
    const refused = await get<Refusal>(path);
    expect([refused.status, refused.body.code]).toEqual([status, code]);
  });

  it.each<[string, number, string]>([
    ['/messages/%ff', 400, 'FPWSE0004E'],
    ['/messages/Nobody00/deliveries?outcome=lost', 400, 'FPWSE0005E'],
    ['/messages/Nobody00/deliveries?provider=constructor', 400, 'FPWSE0005E'],
    ['/devices/nobody/messages', 404, 'FPWSE0001E'],
    ['/devices/nobody/messages?messageId=Nobody00', 404, 'FPWSE0001E'],
    ['/devices/ann/messages?messageId=Nobody00', 404, 'FPWSE0001E'],
    ['/devices/ann/messages?size=-1', 400, 'FPWSE1080E'],
    ['/devices/ann/messages?after=999999999999999999999', 400, 'FPWSE0005E'],
  ])('refuses GET %s', async (path, status, code) => {
    const refused = await get<Refusal>(path);
    expect([refused.status, refused.body.code]).toEqual([status, code]);
  });
});
