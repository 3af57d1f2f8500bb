import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic } from '../harness/admin.js';
import { Api, issueToken } from '../harness/api.js';
import { runProgram } from '../harness/program.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { STAGES } from './stages.js';

/** Receipts from backends and devices, and which calls each kind of token opens. */

/** More than the receipts' look-up takes for a small audience: 7 batches. */
const DEVICES = 6_001;
const APPLICATION = 'com.acme.receipts';
const NDJSON = { 'content-type': 'application/x-ndjson' };

interface Refused {
  index: number;
  code: string;
  message: string;
}
interface Report {
  audience: number;
  receipts?: { displayed: number; opened: number; dismissed: number; actions: Record<string, number> };
}

describe.each(STAGES)('on $name', (stage) => {
  let simulators: RunningSimulators;
  beforeAll(async () => void (simulators = await startSimulators()));
  afterAll(() => simulators?.stop());
  const program = runProgram(stage, {
    environment: () => ({ WEB_PUSH_ALLOW_PRIVATE: 'true', PROVIDER_CA_FILE: simulators.caPath ?? '' }),
  });
  let api: Api;
  let broadcast: string;

  beforeAll(async () => {
    await program.api.call('POST', '/apps', { applicationId: APPLICATION });
    api = await Api.connect(program.carillon.url, APPLICATION);
    const line = (n: number): string =>
      JSON.stringify({ deviceId: `d-${n}`, platform: 'A', token: `sandbox:accepted:${n}` });
    await api.raw('POST', '/devices:import', Array.from({ length: DEVICES }, (_, n) => line(n)).join('\n'), NDJSON);
    broadcast = await api.send({ message: { alert: 'Hi' } });
    await api.waitFor(broadcast);
    await api.registerDevices([{ deviceId: 'late', platform: 'A', token: 'sandbox:accepted:late', userId: 'lea' }]);
  });

  const report = async (id: string): Promise<Report> =>
    (await api.app<Report & Record<string, unknown>>('GET', `/messages/${id}`)).body;
  const receipt = (id: string, body: object) => api.app('POST', `/messages/${id}/receipts`, body);
  const lot = (id: string, receipts: readonly object[]) =>
    api.app<{ recorded: number; refused: Refused[] }>('POST', `/messages/${id}/receipts/bulk`, { receipts });
  async function single(deviceId: string): Promise<string> {
    const id = await api.send({ message: { alert: 'Hi' }, target: { deviceIds: [deviceId] } });
    await api.waitFor(id);
    return id;
  }

  it('a message without receipts has none in its report', async () => {
    expect(await report(broadcast)).not.toHaveProperty('receipts');
  });

  it('each kind of a device is counted once, and each tells that the message was displayed', async () => {
    const lots = [
      { deviceId: 'd-0', kind: 'displayed' },
      { deviceId: 'd-0', kind: 'displayed' },
      { deviceId: 'd-1', kind: 'opened' },
      { deviceId: 'd-2', kind: 'dismissed' },
      { deviceId: 'd-3', kind: 'action', action: 'reply' },
      { deviceId: 'd-3', kind: 'action', action: 'reply' },
      { deviceId: `d-${DEVICES - 1}`, kind: 'action', action: 'later' },
    ];
    const counts = { displayed: 5, opened: 1, dismissed: 1, actions: { reply: 1, later: 1 } };
    for (let times = 0; times < 2; times++) {
      expect((await lot(broadcast, lots)).body).toEqual({ recorded: 7, refused: [] });
      expect((await report(broadcast)).receipts).toEqual(counts);
    }
  });

  it('a device outside of the audience is named by its index, and the others are recorded', async () => {
    const before = (await report(broadcast)).receipts!;
    const { status, body } = await lot(broadcast, [
      { deviceId: 'd-10', kind: 'displayed' },
      { deviceId: 'late', kind: 'opened' },
      { deviceId: 'nobody', kind: 'opened' },
      { deviceId: 'd-11', kind: 'displayed' },
    ]);
    expect(status).toBe(200);
    expect(body.recorded).toBe(2);
    expect(body.refused.map(({ index, code }) => [index, code])).toEqual([
      [1, 'FPWSE0001E'],
      [2, 'FPWSE0001E'],
    ]);
    expect((await report(broadcast)).receipts).toEqual({ ...before, displayed: before.displayed + 2 });
    expect((await receipt(broadcast, { deviceId: 'late', kind: 'opened' })).status).toBe(404);
  });

  it('every device of a broadcast is found, also by its last batch', async () => {
    const all = Array.from({ length: DEVICES }, (_, n) => ({ deviceId: `d-${n}`, kind: 'displayed' }));
    for (let from = 0; from < DEVICES; from += 1_000)
      expect((await lot(broadcast, all.slice(from, from + 1_000))).body.refused).toEqual([]);
    const { receipts, audience } = await report(broadcast);
    expect(receipts?.displayed).toBe(audience);
  });

  it('fifty equal receipts at once over all ways are one', async () => {
    await api.app('PUT', '/events/feed', { eventTypes: 'receipt.*' });
    const { body: start } = await api.app<{ cursor: string }>('GET', '/events?after=latest&wait=0');
    const id = await single('d-20');
    const token = await tokenOf('d-20');
    const ways = [
      () => receipt(id, { deviceId: 'd-20', kind: 'opened' }),
      () => lot(id, [{ deviceId: 'd-20', kind: 'opened' }]),
      () => api.app('PUT', `/messages/${id}`, { deviceId: 'd-20', status: 'OPEN' }),
      () => byDevice(token, 'POST', `/messages/${id}/receipts`, { kind: 'opened' }),
    ];
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => ways[n % ways.length]!()));
    expect(answers.map(({ status }) => status).filter((status) => status !== 204 && status !== 200)).toEqual([]);
    expect((await report(id)).receipts).toEqual({ displayed: 1, opened: 1, dismissed: 0, actions: {} });

    await receipt(id, { deviceId: 'd-20', kind: 'action', action: 'reply' });
    const events: { type: string; data: Record<string, unknown> }[] = [];
    for (let cursor = start.cursor; !events.some(({ type }) => type === 'receipt.action');) {
      const { body } = await api.app<{ events: typeof events; cursor: string }>('GET', `/events?after=${cursor}`);
      events.push(...body.events);
      cursor = body.cursor;
    }
    const of = { applicationId: APPLICATION, messageId: id, count: 1 };
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      ['receipt.displayed', { ...of, receipts: [{ deviceId: 'd-20' }] }],
      ['receipt.opened', { ...of, receipts: [{ deviceId: 'd-20' }] }],
      ['receipt.action', { ...of, receipts: [{ deviceId: 'd-20', action: 'reply' }] }],
    ]);
    await api.app('PUT', '/events/feed', { eventTypes: '' });
  });

  it('IBM’s SEEN counts as displayed, and its OPEN as opened', async () => {
    const id = await single('d-21');
    const put = (status: string) => api.app('PUT', `/messages/${id}`, { deviceId: 'd-21', status });
    expect((await put('SEEN')).status).toBe(204);
    expect((await report(id)).receipts).toMatchObject({ displayed: 1, opened: 0 });
    expect((await put('OPEN')).status).toBe(204);
    expect((await report(id)).receipts).toMatchObject({ displayed: 1, opened: 1 });
    expect(await put('READ')).toMatchObject({ status: 400, body: { code: 'FPWSE0005E' } });
  });

  it('a resend has receipts of its own', async () => {
    await api.registerDevices([{ deviceId: 'bad', platform: 'A', token: 'sandbox:rejected:bad' }]);
    const id = await single('bad');
    const resent = await api.app<{ messageId: string }>('POST', `/messages/${id}/resend`, { outcomes: ['failed'] });
    expect(resent.status).toBe(202);
    await api.waitFor(resent.body.messageId);
    await receipt(resent.body.messageId, { deviceId: 'bad', kind: 'opened' });
    expect((await report(resent.body.messageId)).receipts).toMatchObject({ opened: 1 });
    expect(await report(id)).not.toHaveProperty('receipts');
  });

  it.each([
    ['an unknown kind', { deviceId: 'd-1', kind: 'read' }, 'kind'],
    ['an action without its id', { deviceId: 'd-1', kind: 'action' }, 'action'],
    ['an action of another kind', { deviceId: 'd-1', kind: 'opened', action: 'reply' }, 'action'],
    ['no device from a client', { kind: 'opened' }, 'deviceId'],
    ['an unknown field', { deviceId: 'd-1', kind: 'opened', at: 1 }, 'at'],
  ])('%s is refused with its field', async (_what, body, field) => {
    const answer = await receipt(broadcast, body);
    expect([answer.status, answer.body.code]).toEqual([400, 'FPWSE0005E']);
    expect(answer.body.message).toContain(`'${field}'`);
    const many = await lot(broadcast, [{ deviceId: 'd-1', kind: 'opened' }, body]);
    expect(many.body).toMatchObject({ message: expect.stringContaining(`'receipts.1.${field}'`) as string });
  });

  it('the statistics and the history of the device have the receipts', async () => {
    const sum = async (): Promise<number> => {
      const { body } = await api.app<{ points: { receipts?: { opened: number } }[] }>('GET', '/stats');
      return body.points.reduce((total, { receipts }) => total + (receipts?.opened ?? 0), 0);
    };
    const before = await sum();
    const id = await single('d-30');
    await receipt(id, { deviceId: 'd-30', kind: 'opened' });
    await receipt(id, { deviceId: 'd-30', kind: 'opened' });
    await expect.poll(sum).toBe(before + 1);
    const { body } = await api.app<{ messages: { messageId: string; receipts?: Record<string, string> }[] }>(
      'GET',
      '/devices/d-30/messages',
    );
    const told = body.messages.find(({ messageId }) => messageId === id)?.receipts;
    expect(told?.openedTime).toMatch(/Z$/);
    // Two readings of one clock.
    const apart = Date.parse(told!.openedTime!) - Date.parse(told!.displayedTime!);
    expect(Math.abs(apart)).toBeLessThan(100);
  });

  it('a user’s export has the receipts; after the removal the counts stay', async () => {
    const id = await single('late');
    await receipt(id, { deviceId: 'late', kind: 'action', action: 'yes' });
    const exported = await api.app<{ messages: { messageId: string; receipts?: object }[] }>('GET', '/users/lea');
    expect(exported.body.messages[0]).toMatchObject({
      messageId: id,
      receipts: { actionTimes: { yes: /Z$/ } },
    } as never);
    await api.app('DELETE', '/users/lea');
    expect((await api.app('GET', '/users/lea')).status).toBe(404);
    expect((await report(id)).receipts).toMatchObject({ displayed: 1, actions: { yes: 1 } });
    expect((await receipt(id, { deviceId: 'late', kind: 'opened' })).status).toBe(404);
  });

  it('an unknown message is 404, and a token of another scope is 403', async () => {
    expect((await receipt('none', { deviceId: 'd-1', kind: 'opened' })).status).toBe(404);
    const reader = await Api.connect(program.carillon.url, APPLICATION, 'messages.* push.application.*');
    expect(
      (await reader.app('POST', `/messages/${broadcast}/receipts`, { deviceId: 'd-1', kind: 'opened' })).status,
    ).toBe(403);
  });

  describe('a device token', () => {
    it('lets the device change itself, its subscriptions and its receipts, and no other device', async () => {
      await api.app('POST', '/tags', { name: 'news' });
      const id = await single('d-40');
      const token = await tokenOf('d-40');
      const own = { deviceId: 'd-40', platform: 'A', token: 'sandbox:accepted:new' };
      expect((await byDevice(token, 'POST', '/devices', own)).status).toBe(201);
      expect((await byDevice(token, 'PUT', '/devices/d-40', { language: 'de' })).body.language).toBe('de');
      expect((await byDevice(token, 'GET', '/devices/d-40')).body.language).toBe('de');
      const subscription = { deviceId: 'd-40', tagName: 'news' };
      expect((await byDevice(token, 'POST', '/subscriptions', subscription)).status).toBe(201);
      const listed = await byDevice(token, 'GET', '/subscriptions?deviceId=d-40');
      expect([listed.status, (listed.body.subscriptions as unknown[]).length]).toEqual([200, 2]);
      expect((await byDevice(token, 'DELETE', '/subscriptions?deviceId=d-40&tagName=news')).status).toBe(204);
      expect((await byDevice(token, 'POST', `/messages/${id}/receipts`, { kind: 'opened' })).status).toBe(204);
      const many = { receipts: [{ kind: 'dismissed' }] };
      expect((await byDevice(token, 'POST', `/messages/${id}/receipts/bulk`, many)).status).toBe(200);

      const other = { ...own, deviceId: 'd-41' };
      expect((await byDevice(token, 'POST', '/devices', other)).status).toBe(403);
      expect((await byDevice(token, 'PUT', '/devices/d-41', { language: 'de' })).status).toBe(403);
      expect((await byDevice(token, 'GET', '/devices/d-41')).status).toBe(403);
      expect((await byDevice(token, 'DELETE', '/devices/d-41')).status).toBe(403);
      expect((await byDevice(token, 'POST', '/subscriptions', { ...subscription, deviceId: 'd-41' })).status).toBe(403);
      expect((await byDevice(token, 'GET', '/subscriptions?deviceId=d-41')).status).toBe(403);
      expect((await byDevice(token, 'GET', '/subscriptions')).status).toBe(403);
      expect((await byDevice(token, 'DELETE', '/subscriptions?deviceId=d-41&tagName=news')).status).toBe(403);
      const seen = { deviceId: 'd-41', kind: 'opened' };
      expect((await byDevice(token, 'POST', `/messages/${broadcast}/receipts`, seen)).status).toBe(403);
      expect(
        (await byDevice(token, 'PUT', `/messages/${broadcast}`, { deviceId: 'd-41', status: 'OPEN' })).status,
      ).toBe(403);
      expect((await byDevice(token, 'PUT', '/devices/d-40', { userId: 'root' })).status).toBe(403);
      expect((await byDevice(token, 'POST', '/devices', { ...own, userId: 'root' })).status).toBe(403);
    });

    it('keeps the device’s user when the device registers again', async () => {
      await api.registerDevices([{ deviceId: 'of-kim', platform: 'A', token: 'sandbox:accepted:kim', userId: 'kim' }]);
      const token = await tokenOf('of-kim');
      const own = { deviceId: 'of-kim', platform: 'A', token: 'sandbox:accepted:kim2' };
      expect((await byDevice(token, 'POST', '/devices', own)).body.userId).toBe('kim');
      expect((await byDevice(token, 'POST', '/devices', { ...own, userId: 'kim' })).status).toBe(201);
    });

    it('ends when the device is removed, and when the device gets another user', async () => {
      const device = { deviceId: 'moves', platform: 'A', token: 'sandbox:accepted:moves', userId: 'ann' };
      await api.registerDevices([device]);
      const change = (token: string) => byDevice(token, 'PUT', '/devices/moves', { language: 'fr' });
      const first = await tokenOf('moves');
      expect((await change(first)).status).toBe(200);
      await api.registerDevices([{ ...device, userId: 'ben' }]);
      expect((await change(first)).status).toBe(401);
      const second = await tokenOf('moves');
      await api.app('DELETE', '/devices/moves');
      expect((await change(second)).status).toBe(401);
      await api.registerDevices([{ ...device, userId: 'ben' }]);
      expect((await change(second)).status).toBe(401);
      expect((await byDevice(second, 'POST', '/devices', device)).status).toBe(401);
    });

    it('registers a new device once, for its user, and is replaced by the answer', async () => {
      const token = await tokenOf('fresh', { userId: 'zoe' });
      const own = { deviceId: 'fresh', platform: 'A', token: 'sandbox:accepted:fresh' };
      expect((await byDevice(token, 'POST', '/devices', { ...own, userId: 'root' })).status).toBe(403);
      const { status, body } = await byDevice(token, 'POST', '/devices', own);
      expect([status, body.userId]).toEqual([201, 'zoe']);
      expect((await byDevice(token, 'PUT', '/devices/fresh', { language: 'de' })).status).toBe(401);
      const next = body.deviceToken as string;
      expect((await byDevice(next, 'PUT', '/devices/fresh', { language: 'de' })).status).toBe(200);
      await api.app('DELETE', '/devices/fresh');
      expect((await byDevice(token, 'POST', '/devices', own)).status).toBe(401);
      expect((await byDevice(next, 'POST', '/devices', own)).status).toBe(401);
      expect((await api.app('GET', '/devices/fresh')).status).toBe(404);
    });

    it('is refused for another user than the device’s, and beyond the bounds of its time', async () => {
      const issue = (body: object) => api.app('POST', '/devices/d-50/token', body);
      expect((await issue({ userId: 'someone' })).status).toBe(409);
      expect((await issue({ expiresIn: 59 })).status).toBe(400);
      expect((await issue({ expiresIn: 3_601 })).status).toBe(400);
      expect((await issue({ expiresIn: 60 })).status).toBe(200);
      expect((await api.app('POST', '/devices/%2E%2E%2Fx/token', {})).status).toBe(200);
    });

    it('opens no other documented call, and no other application', async () => {
      const token = await tokenOf('d-60');
      await expectOnly(token, [
        'POST /devices',
        'GET /devices/{deviceId}',
        'PUT /devices/{deviceId}',
        'DELETE /devices/{deviceId}',
        'POST /subscriptions',
        'DELETE /subscriptions',
        'GET /subscriptions',
        'POST /messages/{messageId}/receipts',
        'POST /messages/{messageId}/receipts/bulk',
        'PUT /messages/{messageId}',
      ]);
      const elsewhere = new Api(program.carillon.url, token, 'com.example.app');
      expect((await elsewhere.app('PUT', '/devices/d-60', {})).status).toBe(401);
      expect(await introspect(token)).toEqual({ active: false });
    });

    it('is refused if it is forged, unsigned, or another kind', async () => {
      const token = await tokenOf('d-61');
      const [header = '', payload = '', signature = ''] = token.split('.');
      const recode = (part: string, change: (text: string) => string): string =>
        Buffer.from(change(Buffer.from(part, 'base64url').toString())).toString('base64url');
      const other = recode(payload, (text) => text.replace('d-61', 'd-62'));
      const unsigned = recode(header, (text) => text.replace('ES256', 'none'));
      const shared = recode(header, (text) => text.replace('ES256', 'HS256'));
      const access = recode(header, (text) => text.replace('device+jwt', 'at+jwt'));
      for (const forged of [
        [header, other, signature],
        [unsigned, payload, ''],
        [shared, payload, signature],
        [access, payload, signature],
      ])
        for (const id of ['d-61', 'd-62'])
          expect((await byDevice(forged.join('.'), 'PUT', `/devices/${id}`, {})).status).toBe(401);
    });
  });

  const tokenOf = async (deviceId: string, body: object = {}): Promise<string> => {
    const issued = await api.app<{ deviceToken: string }>('POST', `/devices/${deviceId}/token`, body);
    expect(issued.status).toBe(200);
    return issued.body.deviceToken;
  };
  const byDevice = (token: string, method: string, path: string, body?: object) =>
    new Api(program.carillon.url, token, APPLICATION).app(method, path, body);

  async function introspect(token: string): Promise<unknown> {
    const answer = await fetch(`${program.carillon.url}/mfp/api/az/v1/introspection`, {
      method: 'POST',
      headers: { authorization: basic('test', 'test'), 'content-type': 'application/x-www-form-urlencoded' },
      body: `token=${encodeURIComponent(token)}`,
    });
    return answer.json();
  }

  /** Every documented call that asks for authentication refuses the token, except the calls below the application. */
  async function expectOnly(token: string, open: readonly string[]): Promise<void> {
    const app = '/imfpush/v1/apps/{applicationId}';
    const { paths } = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as {
      paths: Record<string, Record<string, { security?: unknown[] }>>;
    };
    const calls = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, { security }]) =>
        security ? [{ method: method.toUpperCase(), path }] : [],
      ),
    );
    expect(calls.length).toBeGreaterThan(100);
    const names = calls.map(({ method, path }) => `${method} ${path}`);
    for (const call of open) expect(names).toContain(call.replace(' ', ` ${app}`));
    const values: Record<string, string> = { runtimeName: 'mfp', applicationId: APPLICATION, deviceId: 'd-60' };
    const opened: string[] = [];
    for (const { method, path } of calls) {
      if (open.includes(`${method} ${path.replace(app, '')}`)) continue;
      const url = program.carillon.url + path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => values[name] ?? 'x');
      const answer = await fetch(url, { method, headers: { authorization: `Bearer ${token}` } });
      await answer.arrayBuffer();
      // The token endpoints take no Bearer at all.
      const isRefused =
        answer.status === 401 || answer.status === 403 || (path.includes('/az/') && answer.status === 400);
      if (!isRefused) opened.push(`${method} ${path} ${answer.status}`);
    }
    expect(opened).toEqual([]);
  }

  describe('a receipt token', () => {
    const BROWSERS = ['b-1', 'b-2'];
    let message: string;
    let tokens: Map<string, string>;
    let tokensBefore: number;
    let set: Record<string, unknown>;

    const setReceipts = (receipts: boolean) => api.app('PUT', '/status', { enabled: true, receipts });
    /** Sends to the browsers; returns the message with the receipt token that each browser got. */
    async function push(): Promise<{ id: string; tokens: Map<string, string> }> {
      const id = await api.send({ message: { alert: 'Hi {{userId|you}}' }, target: { deviceIds: BROWSERS } });
      await api.waitFor(id);
      const accepted = await simulators.admin.lastAccepted('web-push', BROWSERS.length);
      const bodies = new Map(
        accepted.map(({ token, body }) => [token, body as { nid: string; receiptToken?: string }]),
      );
      const found = [...endpoints].flatMap(([deviceId, endpoint]): [string, string][] => {
        const body = bodies.get(endpoint);
        expect(body?.nid).toBe(id);
        return body?.receiptToken === undefined ? [] : [[deviceId, body.receiptToken]];
      });
      return { id, tokens: new Map(found) };
    }
    const endpoints = new Map<string, string>();

    beforeAll(async () => {
      const { body } = await api.app<{ publicKey: string }>('PUT', '/settings/webPushConf', {
        subject: 'mailto:a@b.example',
      });
      const made = await simulators.admin.createSubscriptions('mozilla', BROWSERS.length, body.publicKey);
      for (const [index, { endpoint, keys }] of made.entries()) {
        const deviceId = BROWSERS[index]!;
        endpoints.set(deviceId, endpoint);
        const token = JSON.stringify({ endpoint, userPublicKey: keys.p256dh, userAuth: keys.auth });
        await api.registerDevices([{ deviceId, platform: 'WEB_FIREFOX', token }]);
      }
      tokensBefore = (await push()).tokens.size;
      set = (await setReceipts(true)).body;
      ({ id: message, tokens } = await push());
    });

    it('travels with each delivery, and lets its device send receipts for it', async () => {
      expect([tokensBefore, set.receipts]).toEqual([0, 'true']);
      expect([...tokens.keys()]).toEqual(BROWSERS);
      const [one = '', other = ''] = [...tokens.values()];
      expect(one).not.toBe(other);
      expect((await byDevice(one, 'POST', `/messages/${message}/receipts`, { kind: 'opened' })).status).toBe(204);
      expect((await byDevice(one, 'POST', `/messages/${message}/receipts`, { kind: 'opened' })).status).toBe(204);
      const many = { receipts: [{ kind: 'displayed' }, { kind: 'action', action: 'yes' }] };
      expect((await byDevice(other, 'POST', `/messages/${message}/receipts/bulk`, many)).body).toEqual({
        recorded: 2,
        refused: [],
      });
      const counts = { displayed: 2, opened: 1, dismissed: 0, actions: { yes: 1 } };
      expect((await report(message)).receipts).toEqual(counts);
      const history = await api.app<{ messages: { messageId: string; receipts?: object }[] }>(
        'GET',
        '/devices/b-1/messages',
      );
      expect(history.body.messages.find(({ messageId }) => messageId === message)?.receipts).toHaveProperty(
        'openedTime',
      );
    });

    it('opens no other documented call, no other message, device or application', async () => {
      const token = tokens.get('b-1')!;
      await expectOnly(token, ['POST /messages/{messageId}/receipts', 'POST /messages/{messageId}/receipts/bulk']);
      const send = (id: string, body: object) => byDevice(token, 'POST', `/messages/${id}/receipts`, body);
      expect((await send(broadcast, { kind: 'opened' })).status).toBe(401);
      expect((await send(message, { kind: 'opened', deviceId: 'b-2' })).status).toBe(403);
      expect((await byDevice(token, 'PUT', `/messages/${message}`, { deviceId: 'b-1', status: 'OPEN' })).status).toBe(
        403,
      );
      const elsewhere = new Api(program.carillon.url, token, 'com.example.app');
      expect((await elsewhere.app('POST', `/messages/${message}/receipts`, { kind: 'opened' })).status).toBe(401);
      const nowhere = new Api(program.carillon.url, token, 'com.example.none');
      expect((await nowhere.app('POST', `/messages/${message}/receipts`, { kind: 'opened' })).status).toBe(401);
      expect(await introspect(token)).toEqual({ active: false });
    });

    it('ends when its device is removed, and with the switch of the application', async () => {
      const send = (token: string, id: string) =>
        byDevice(token, 'POST', `/messages/${id}/receipts`, { kind: 'opened' });
      const next = await push();
      await setReceipts(false);
      expect((await send(next.tokens.get('b-1')!, next.id)).status).toBe(401);
      expect((await push()).tokens.size).toBe(0);
      await setReceipts(true);
      expect((await send(next.tokens.get('b-1')!, next.id)).status).toBe(401);
      const last = await push();
      expect((await send(last.tokens.get('b-2')!, last.id)).status).toBe(204);
      await api.app('DELETE', '/devices/b-2');
      expect((await send(last.tokens.get('b-2')!, last.id)).status).toBe(404);
    });
  });

  describe('a page of another origin', () => {
    const PAGE = 'https://shop.example.com';
    const ask = (origin: string, path: string, method = 'OPTIONS') =>
      api.raw(method, path, undefined, { origin, 'access-control-request-method': 'POST' });
    const PATHS = [
      '/devices',
      '/devices/x',
      '/subscriptions',
      '/messages/x',
      '/messages/x/receipts',
      '/messages/x/receipts/bulk',
    ];

    it('is answered only if the application allows the origin, and only on the routes of devices', async () => {
      for (const path of PATHS) expect((await ask(PAGE, path)).headers.get('access-control-allow-origin')).toBeNull();
      const allowedOrigins = [PAGE, 'http://localhost:3000'];
      const set = await api.app('PUT', '/status', { enabled: true, allowedOrigins });
      expect(set.body.allowedOrigins).toEqual(allowedOrigins);
      for (const path of PATHS) {
        const { status, headers } = await ask(PAGE, path);
        expect([status, headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([
          204,
          PAGE,
          'Origin',
        ]);
        expect(headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type');
        expect(headers.get('access-control-allow-credentials')).toBeNull();
      }
      expect((await ask('https://evil.example', '/devices')).headers.get('access-control-allow-origin')).toBeNull();
      for (const path of ['/messages', '/status', '/devices:export', '/devices/x/token'])
        expect((await ask(PAGE, path)).headers.get('access-control-allow-origin')).toBeNull();
    });

    it('can read a refusal too', async () => {
      const answer = await fetch(`${program.carillon.url}/imfpush/v1/apps/${APPLICATION}/devices/x`, {
        method: 'PUT',
        headers: { origin: PAGE, authorization: 'Bearer none' },
      });
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([401, PAGE]);
    });

    it.each([
      ['https://shop.example.com/'],
      ['*'],
      ['http://shop.example.com'],
      ['null'],
      ['https://Shop.example.com'],
    ])('the origin %s is refused', async (origin) => {
      const answer = await api.app('PUT', '/status', { enabled: true, allowedOrigins: [origin] });
      expect([answer.status, answer.body.code]).toEqual([400, 'FPWSE0005E']);
    });
  });

  it('an access token is no device token', async () => {
    const token = await issueToken(program.carillon.url, 'messages.read push.application.*');
    expect((await byDevice(token, 'PUT', '/devices/d-60', {})).status).toBe(403);
  });
});
