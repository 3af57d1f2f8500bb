import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { readXml } from '../../simulators/wns/well-formed.js';
import { post, postForm, type H1Outcome } from './h1-client.js';

const TOAST = '<toast launch="{&quot;nid&quot;:&quot;m1&quot;}"><visual/></toast>';
let simulators: RunningSimulators;
let authorization: string;

beforeAll(async () => {
  simulators = await startSimulators();
  authorization = `Bearer ${String((await grant({})).json['access_token'])}`;
});
afterAll(() => simulators.stop());
beforeEach(() => simulators.admin.reset());

function grant(change: Record<string, string>) {
  const { packageSID: client_id, clientSecret: client_secret } = simulators.credentials.wns.package;
  const form = { grant_type: 'client_credentials', client_id, client_secret, scope: 'notify.windows.com', ...change };
  return postForm(simulators.wns.tokenUrl, simulators.ca, form);
}

function send(headers: Record<string, string> = {}, body = TOAST, channel = 'c1'): Promise<H1Outcome> {
  const usual = { authorization, 'content-type': 'text/xml', 'x-wns-type': 'wns/toast', 'x-wns-tag': 'tag1' };
  return post(simulators.wns.channelUrl + channel, simulators.ca, { ...usual, ...headers }, body);
}

describe('the token endpoints', () => {
  it('issue tokens for a day to a package and to an Entra app', async () => {
    expect(await grant({})).toMatchObject({ status: 200, json: { expires_in: 86_400, token_type: 'bearer' } });
    const { tenantId, clientId, clientSecret } = simulators.credentials.wns.entra;
    const form = {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      scope: 'https://wns.windows.com/.default',
    };
    const url = `${simulators.wns.url}/${tenantId}/oauth2/v2.0/token`;
    expect((await postForm(url, simulators.ca, form)).status).toBe(200);
    expect(await postForm(url, simulators.ca, { ...form, client_secret: 'x' })).toMatchObject({ status: 401 });
  });

  it.each([
    [{ client_secret: 'x' }, 'invalid_client'],
    [{ client_id: 'x' }, 'invalid_client'],
    [{ scope: 'x' }, 'invalid_scope'],
    [{ grant_type: 'password' }, 'unsupported_grant_type'],
  ])('refuse %j', async (change, error) => {
    expect(await grant(change)).toMatchObject({ status: 400, json: { error } });
  });
});

it('accept clients that are registered later', async () => {
  const later = { packageSID: 'ms-app://s-1-15-2-9', clientSecret: 'later' };
  const form = { client_id: later.packageSID, client_secret: later.clientSecret };
  expect((await grant(form)).status).toBe(400);
  await simulators.admin.registerCredentials({ wns: later });
  expect((await grant(form)).status).toBe(200);
  await simulators.admin.registerCredentials({ wns: { clientId: 'later', clientSecret: 'secret' } });
  const entra = { client_id: 'later', client_secret: 'secret', scope: 'https://wns.windows.com/.default' };
  const url = `${simulators.wns.url}/any/oauth2/v2.0/token`;
  expect((await postForm(url, simulators.ca, { grant_type: 'client_credentials', ...entra })).status).toBe(200);
  await expect(simulators.admin.registerCredentials({ wns: { clientId: 'x' } as never })).rejects.toThrow(
    'body.wns.clientSecret is missing',
  );
});

describe('a channel', () => {
  it('accepts a toast and reports it in its headers', async () => {
    const { status, headers } = await send();
    expect([status, headers['x-wns-status'], headers['x-wns-deviceconnectionstatus']]).toEqual([
      200,
      'received',
      'connected',
    ]);
    expect(headers['x-wns-msg-id']).toMatch(/^\d{16}$/);
    const [entry] = await simulators.admin.lastAccepted('wns', 1);
    expect(entry).toMatchObject({ token: 'c1', messageId: 'm1', collapseId: 'tag1', body: TOAST });
  });

  it.each<[number, string, Record<string, string>, string]>([
    [401, 'another token', { authorization: 'Bearer x' }, TOAST],
    [400, 'chunks', { 'transfer-encoding': 'chunked' }, TOAST],
    [400, 'Expect', { expect: '100-continue' }, TOAST],
    [400, 'no such type', { 'x-wns-type': 'wns/other' }, TOAST],
    [400, 'another type', { 'x-wns-type': 'wns/tile' }, TOAST],
    [400, 'another content type', { 'content-type': 'application/octet-stream' }, TOAST],
    [400, 'a TTL of words', { 'x-wns-ttl': 'long' }, TOAST],
    [400, 'a priority of 5', { 'x-wns-priority': '5' }, TOAST],
    [400, 'a tag of 17', { 'x-wns-tag': 'a'.repeat(17) }, TOAST],
    [400, 'a tag with a dash', { 'x-wns-tag': 'a-b' }, TOAST],
    [400, 'no such cache policy', { 'x-wns-cache-policy': 'maybe' }, TOAST],
    [400, 'what is no XML', {}, '<toast><visual></toast>'],
    [400, 'nothing', {}, ''],
    [413, '5,001 bytes', {}, `<toast>${'x'.repeat(4_986)}</toast>`],
  ])('answers %i to %s', async (status, _what, headers, body) => {
    const answer = await send(headers, body);
    expect([answer.status, typeof answer.headers['x-wns-error-description']]).toEqual([status, 'string']);
    expect((await simulators.admin.ledger('wns')).accepted).toBe(0);
  });

  it('accepts 5,000 bytes, and any raw content', async () => {
    expect((await send({}, `<toast>${'x'.repeat(4_985)}</toast>`)).status).toBe(200);
    const raw = { 'x-wns-type': 'wns/raw', 'content-type': 'application/octet-stream' };
    expect((await send(raw, '<&')).status).toBe(200);
  });

  it('ends on command, belongs to an app, and throttles', async () => {
    await simulators.admin.killTokens('wns', ['gone']);
    await simulators.admin.registerTokens('wns', ['other'], 'ms-app://other');
    await simulators.admin.changeSettings({ wns: { perTokenPerMinute: 1, retryAfterSeconds: 7 } });
    expect((await send({}, TOAST, 'gone')).status).toBe(410);
    expect((await send({}, TOAST, 'other')).status).toBe(403);
    expect((await send()).headers['x-wns-status']).toBe('received');
    const { status, headers } = await send();
    expect([status, headers['x-wns-status']]).toEqual([200, 'channelthrottled']);
    const busy = await send({}, TOAST, 'dead0406');
    expect([busy.status, busy.headers['retry-after']]).toEqual([406, '7']);
  });

  it('speaks no HTTP/2', async () => {
    const { port } = new URL(simulators.wns.url);
    const socket = connectTls({ port: Number(port), host: 'localhost', ca: simulators.ca, ALPNProtocols: ['h2'] });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
  });
});

describe('readXml', () => {
  it.each([
    '<a/>',
    '<?xml version="1.0" encoding="utf-8"?> <a b="1" c=\'"\'>x<d/>&amp;&#10;</a>',
    '<a><b></b><b ></b ></a>',
  ])('accepts %s', (text) => {
    expect(readXml(Buffer.from(text))?.name).toBe('a');
  });

  it.each([
    '',
    'x',
    '<a>',
    '<a></b>',
    '<a/><a/>',
    '<a>&nbsp;</a>',
    '<a>&</a>',
    '<a b="<"/>',
    '<a b=1/>',
    '<a b="1" b="2"/>',
    '<a><![CDATA[x]]></a',
    '<a>\u0001</a>',
    '<a/>x',
  ])('refuses %j', (text) => {
    expect(readXml(Buffer.from(text))).toBeNull();
  });

  it('returns elements with attributes and texts', () => {
    const text = readXml(Buffer.from('<a b="&lt;1"> x<c/>&amp;y<c d="2">z</c></a>'));
    const c = { name: 'c', attributes: {}, children: [], text: '' };
    const second = { ...c, attributes: { d: '2' }, text: 'z' };
    expect(text).toEqual({ name: 'a', attributes: { b: '<1' }, children: [c, second], text: ' x&y' });
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(readXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]))).toBeNull();
  });
});
