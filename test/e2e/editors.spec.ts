import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verify } from '../../src/client/webhooks.js';
import { Admin, RUNTIME, basic } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from './stages.js';

/** Two administrators at one moment: the second editor is told; and the test event of a webhook. */

const VAPID = (name: string) => ({ subject: `mailto:${name}@example.com` });
const CLIENTS = '/confidentialclients';

const APNS_KEY = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;
const CAMPAIGN = { name: 'Leaving', content: { message: { alert: 'x' } }, schedule: { cron: '0 9 * * *' } };

interface Removable {
  read: () => Promise<string>;
  /** Returns the status. */
  remove: (etag: string) => Promise<number>;
}

describe.each(STAGES)('on $name', (stage) => {
  const program = runProgram(stage, { environment: () => ({ WEBHOOK_ALLOW_PRIVATE: 'true' }) });
  const admin = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${program.carillon.url}${RUNTIME}${path}`, {
      method,
      headers: { authorization: basic('test', 'test'), 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return {
      status: answer.status,
      etag: answer.headers.get('etag') ?? '',
      body: (await answer.json().catch(() => ({}))) as object,
    };
  };

  it('of provider settings: the second is refused with the present revision, and nothing is written', async () => {
    const path = '/settings/webPushConf';
    const put = (name: string, headers: Record<string, string>) => program.api.app('PUT', path, VAPID(name), headers);
    const both = await Promise.all(['a', 'b'].map((name) => put(name, { 'if-none-match': '*' })));
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 412]);
    const etag = (await program.api.app('GET', path)).headers.get('etag') ?? '';
    const first = await put('first', { 'if-match': etag });
    const second = await put('second', { 'if-match': etag });
    expect([first.status, second.status, second.body.code]).toEqual([200, 412, 'CARIL0412E']);
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
    expect((await program.api.app('GET', path)).body).toMatchObject(VAPID('first'));
    expect((await put('third', { 'if-match': first.headers.get('etag') ?? '' })).status).toBe(200);
  });

  it('of the upstream: the second is told of the change, not of the secret that the change makes missing', async () => {
    const path = '/settings/upstreamConf';
    const body = { baseUrl: 'http://localhost:9/mfp', clientId: 'relay', mode: 'direct' };
    const etag = (await program.api.app('PUT', path, { ...body, secret: 'one' })).headers.get('etag') ?? '';
    await program.api.app('PUT', path, { ...body, clientId: 'other', secret: 'two' });
    expect((await program.api.app('PUT', path, body, { 'if-match': etag })).status).toBe(412);
    expect((await program.api.app('PUT', path, body)).status).toBe(400);
  });

  it('of a client: the second is refused, and a change without a revision is taken as before', async () => {
    await new Admin(program.carillon.url).addClient('edited', 'messages.read');
    const path = `${CLIENTS}/edited`;
    const { etag } = await admin('GET', path);
    const rename = (displayName: string, headers?: Record<string, string>) =>
      admin('PATCH', path, { displayName }, headers);
    const first = await rename('First', { 'if-match': etag });
    const second = await rename('Second', { 'if-match': etag });
    expect([first.status, second.status, second.etag]).toEqual([200, 412, first.etag]);
    expect((await admin('GET', path)).body).toMatchObject({ displayName: 'First' });
    expect((await rename('Third')).status).toBe(200);
    const off = await admin('PATCH', path, { enabled: false }, { 'if-match': first.etag });
    expect(off.status).toBe(412);
  });

  it('two clients added at one moment both exist; a list that is older than one of them is refused', async () => {
    const before = await admin('GET', CLIENTS);
    const added = await Promise.all(
      ['one', 'two'].map((id) => admin('POST', CLIENTS, { id, allowedScope: 'messages.read' })),
    );
    expect(added.map(({ status }) => status)).toEqual([201, 201]);
    const { clients } = before.body as { clients: object[] };
    const list = { clients: [...clients, { id: 'three', allowedScope: 'messages.read', secret: 'of three' }] };
    expect((await admin('PUT', CLIENTS, list, { 'if-match': before.etag })).status).toBe(412);
    const after = await admin('GET', CLIENTS);
    const ids = (after.body as { clients: { id: string }[] }).clients.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['one', 'two']));
    expect(ids).not.toContain('three');
    expect((await admin('PUT', CLIENTS, after.body, { 'if-match': after.etag })).status).toBe(200);
  });

  it('a removal by an older version is refused after another person’s change', async () => {
    await new Admin(program.carillon.url).addClient('leaving', 'messages.read');
    const api = (path: string): Removable => ({
      read: async () => (await program.api.app('GET', path)).headers.get('etag') ?? '',
      remove: async (etag) => (await program.api.app('DELETE', path, undefined, { 'if-match': etag })).status,
    });
    const { body: made } = await program.api.app<{ campaignId: string }>('POST', '/campaigns', CAMPAIGN);
    const campaign = `/campaigns/${made.campaignId}`;
    const webhook = { name: 'leaving', url: 'http://127.0.0.1:9/a', eventTypes: 'onDeviceRegister' };
    await program.api.app('POST', '/webhooks', webhook);
    const target = { platforms: ['A'] };
    await program.api.app('POST', '/audiences', { name: 'leaving', target });
    const apns = { key: APNS_KEY, keyId: 'ABCDE12345', teamId: 'TEAM123456', bundleId: 'com.example.app' };
    await program.api.app('PUT', '/settings/apnsConf', apns);
    await program.api.app('PUT', '/settings/webPushConf', VAPID('leaving'));
    const upstream = { baseUrl: 'http://localhost:9/mfp', clientId: 'relay', mode: 'direct', secret: 'one' };
    await program.api.app('PUT', '/settings/upstreamConf', upstream);
    const client = `${CLIENTS}/leaving`;
    const change = (path: string, body: object) => program.api.app('PUT', path, body);
    const cases: [string, Removable, () => Promise<{ status: number }>][] = [
      ['campaign', api(campaign), () => change(campaign, { ...CAMPAIGN, name: 'Other' })],
      [
        'webhook',
        api('/webhooks/leaving'),
        () => change('/webhooks/leaving', { ...webhook, url: 'http://127.0.0.1:9/b' }),
      ],
      ['audience', api('/audiences/leaving'), () => change('/audiences/leaving', { target: { platforms: ['G'] } })],
      ['APNs', api('/settings/apnsConf'), () => change('/settings/apnsConf', { ...apns, keyId: 'FGHIJ67890' })],
      ['Web Push', api('/settings/webPushConf'), () => change('/settings/webPushConf', VAPID('other'))],
      [
        'upstream',
        api('/settings/upstreamConf'),
        () => change('/settings/upstreamConf', { ...upstream, clientId: 'b' }),
      ],
      [
        'client',
        {
          read: async () => (await admin('GET', client)).etag,
          remove: async (etag) => (await admin('DELETE', client, undefined, { 'if-match': etag })).status,
        },
        () => admin('PATCH', client, { displayName: 'Other' }),
      ],
    ];
    for (const [name, { read, remove }, act] of cases) {
      const seen = await read();
      expect([name, (await act()).status]).toEqual([name, 200]);
      expect([name, await remove(seen)]).toEqual([name, 412]);
      expect([name, await remove(await read())]).toEqual([name, 204]);
    }
  });

  describe('the test event of a webhook', () => {
    const received: { request: IncomingMessage; body: string }[] = [];
    let status = 200;
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        received.push({ request, body });
        response.writeHead(status).end('<img src=x onerror=alert(1)> the secret of the inner network');
      });
    });
    beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
    afterAll(() => void server.close());

    it('is signed, tells the result, repeats nothing of the answer, and counts as no delivery', async () => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const asked = { name: 'crm', url, eventTypes: 'onDeviceRegister,message.*' };
      const { secret } = (await program.api.app<{ secret: string }>('POST', '/webhooks', asked)).body;
      await program.api.app('PUT', '/events/feed', { eventTypes: '*' });
      const test = () => program.api.app('POST', '/webhooks/crm/test');
      expect((await test()).body).toEqual({ accepted: true, durationMs: expect.any(Number) as number });
      const { body, request } = received[0]!;
      const event = await verify(body, request.headers, secret);
      expect(event).toMatchObject({ type: 'test', id: request.headers['webhook-id'], data: {}, entity: {} });
      expect(received[0]?.request.headers['x-carillon-signature']).toMatch(/^t=\d+,v1=[0-9a-f]{64}$/);
      for (status of [500, 410]) {
        const refused = { accepted: false, error: `answered ${status}`, durationMs: expect.any(Number) as number };
        expect((await test()).body).toEqual(refused);
      }
      const { body: webhook } = await program.api.app('GET', '/webhooks/crm');
      for (const field of ['lastError', 'disabledTime', 'disabledReason']) expect(webhook).not.toHaveProperty(field);
      expect((await program.api.app('GET', '/events?wait=0')).body.events).toEqual([]);
      expect((await program.api.app('GET', '/webhooks/crm/attempts')).body).toEqual({ attempts: [] });
      for (const path of ['attempts', 'test', 'retry'])
        expect((await program.api.app(path === 'attempts' ? 'GET' : 'POST', `/webhooks/none/${path}`)).status).toBe(
          404,
        );
    });

    it('a replay is refused with the field that is wrong', async () => {
      const from = '2026-01-01T00:00:00Z';
      const replay = (body: unknown, name = 'crm') => program.api.app('POST', `/webhooks/${name}/replay`, body);
      expect(await replay({ from })).toMatchObject({ status: 200, body: { events: 0 } });
      expect(await replay({ from }, 'none')).toMatchObject({ status: 404 });
      for (const [body, field] of [
        [{}, 'from'],
        [{ from: 'yesterday' }, 'from'],
        [{ from, to: '2025-12-31T00:00:00Z' }, 'from'],
        [{ from, to: 'now' }, 'to'],
        [{ from, eventTypes: 'onDeviceRegister,onAnything' }, 'eventTypes'],
        [{ from, till: from }, 'till'],
      ] as const) {
        const { status: refused, body: answer } = await replay(body);
        expect([refused, (answer as { message: string }).message]).toEqual([
          400,
          expect.stringContaining(`'${field}'`),
        ]);
      }
    });
  });

  it('the system tells after how many days rows are removed', async () => {
    const { body } = await program.api.call('GET', '/system');
    expect(body.retention).toEqual({
      messageDays: 30,
      deviceUnseenDays: 270,
      deviceRetiredDays: 90,
      webhookEventDays: 7,
    });
  });
});
