import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { connect, send, signProviderToken, type Outcome } from './h2-client.js';

const TOKEN = 'ab'.repeat(32);
const PATH = `/3/device/${TOKEN}`;
const BODY = JSON.stringify({ aps: { alert: 'hello' } });

let simulators: RunningSimulators;
let session: ClientHttp2Session;
let authorization: string;

beforeAll(async () => {
  simulators = await startSimulators();
  authorization = `bearer ${await signProviderToken(simulators.credentials.apns)}`;
  session = await connect(simulators.apns.url, simulators.ca);
});
afterAll(async () => {
  session.destroy();
  await simulators.stop();
});
beforeEach(() => simulators.admin.reset());

function push(change: OutgoingHttpHeaders = {}, body: string | Buffer = BODY): Promise<Outcome> {
  const headers = { ':path': PATH, authorization, 'apns-topic': 'com.example.app', ...change };
  return send(session, headers, body);
}

/** A payload of exactly this many bytes. */
function payload(bytes: number): string {
  const empty = JSON.stringify({ aps: {}, x: '' }).length;
  return JSON.stringify({ aps: {}, x: 'x'.repeat(bytes - empty) });
}

describe('a valid push', () => {
  it('is answered 200 with an empty body and a new apns-id', async () => {
    const outcome = await push();
    expect(outcome).toMatchObject({ status: 200, text: '', rstCode: 0 });
    expect(outcome.headers['apns-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('gets its own apns-id back', async () => {
    const id = '123e4567-e89b-12d3-a456-4266554400a0';
    expect((await push({ 'apns-id': id })).headers['apns-id']).toBe(id);
  });

  it('gets apns-unique-id in the sandbox only', async () => {
    expect((await push()).headers).not.toHaveProperty('apns-unique-id');
    await simulators.admin.changeSettings({ apns: { environment: 'sandbox' } });
    expect((await push()).headers).toHaveProperty('apns-unique-id');
  });

  it.each([
    ['every optional header', { 'apns-priority': '5', 'apns-expiration': '0', 'apns-collapse-id': 'c'.repeat(64) }],
    ['a background push of priority 5', { 'apns-push-type': 'background', 'apns-priority': '5' }],
    ['a VoIP push to its own topic', { 'apns-push-type': 'voip', 'apns-topic': 'com.example.app.voip' }],
    ['a live activity', { 'apns-push-type': 'liveactivity', 'apns-topic': 'com.example.app.push-type.liveactivity' }],
  ])('may have %s', async (_name, headers) => {
    expect((await push(headers)).status).toBe(200);
  });

  it('may have 4096 bytes, and 5120 as VoIP', async () => {
    expect((await push({}, payload(4096))).status).toBe(200);
    const voip = { 'apns-push-type': 'voip', 'apns-topic': 'com.example.app.voip' };
    expect((await push(voip, payload(5120))).status).toBe(200);
  });
});

const VOIP = { 'apns-push-type': 'voip', 'apns-topic': 'com.example.app.voip' };
const ROWS: [name: string, status: number, reason: string, headers: OutgoingHttpHeaders, body?: string][] = [
  ['a method other than POST', 405, 'MethodNotAllowed', { ':method': 'PUT' }],
  ['another path', 404, 'BadPath', { ':path': '/3/devices/ab' }],
  ['invalid characters in the token', 404, 'BadPath', { ':path': '/3/device/a%20b' }],
  ['no token', 400, 'MissingDeviceToken', { ':path': '/3/device/' }],
  ['a header given twice', 400, 'DuplicateHeaders', { 'apns-priority': ['5', '10'] }],
  ['an apns-id that is not a UUID', 400, 'BadMessageId', { 'apns-id': 'one' }],
  ['no topic', 400, 'MissingTopic', { 'apns-topic': '' }],
  ['a topic of another team', 400, 'TopicDisallowed', { 'apns-topic': 'com.example.other' }],
  ['a topic that only begins like an allowed one', 400, 'TopicDisallowed', { 'apns-topic': 'com.example.apple' }],
  ['a topic that is not a bundle id', 400, 'BadTopic', { 'apns-topic': 'com example' }],
  ['a VoIP push to the plain topic', 400, 'BadTopic', { 'apns-push-type': 'voip' }],
  ['an unknown push type', 400, 'InvalidPushType', { 'apns-push-type': 'shout' }],
  ['a background push of priority 10', 400, 'BadPriority', { 'apns-push-type': 'background', 'apns-priority': '10' }],
  ['a background push without a priority', 400, 'BadPriority', { 'apns-push-type': 'background' }],
  ['an unknown priority', 400, 'BadPriority', { 'apns-priority': '7' }],
  ['a collapse id of 65 bytes', 400, 'BadCollapseId', { 'apns-collapse-id': 'c'.repeat(65) }],
  ['an expiration that is not a number', 400, 'BadExpirationDate', { 'apns-expiration': 'soon' }],
  ['a token that is not hexadecimal', 400, 'BadDeviceToken', { ':path': '/3/device/xyz' }],
  ['a token named to be bad', 400, 'BadDeviceToken', { ':path': '/3/device/dead0400aa' }],
  ['a token named to be dead', 410, 'Unregistered', { ':path': '/3/device/dead0410aa' }],
  ['a token named to be busy', 429, 'TooManyRequests', { ':path': '/3/device/dead0429aa' }],
  ['a token named to fail', 500, 'InternalServerError', { ':path': '/3/device/dead0500aa' }],
  ['a token named to be unavailable', 503, 'ServiceUnavailable', { ':path': '/3/device/dead0503aa' }],
  ['no body', 400, 'PayloadEmpty', {}, ''],
  ['a body that is not JSON', 400, 'PayloadEmpty', {}, '{"aps":'],
  ['a body that is not an object', 400, 'PayloadEmpty', {}, '[]'],
  ['4097 bytes', 413, 'PayloadTooLarge', {}, payload(4097)],
  ['5121 bytes of VoIP', 413, 'PayloadTooLarge', VOIP, payload(5121)],
  ['more than the server buffers', 413, 'PayloadTooLarge', {}, payload(200_000)],
];

describe('an invalid push', () => {
  it.each(ROWS)('is refused for %s: %i %s', async (_name, status, reason, headers, body = BODY) => {
    const outcome = await push(headers, body);
    expect(outcome).toMatchObject({ status, json: { reason } });
    expect((await simulators.admin.counters()).apns).toMatchObject({
      accepted: 0,
      answers: { [`${status} ${reason}`]: 1 },
      firstRefusals: [{ reason }],
    });
  });

  it('gets its apns-id back', async () => {
    const id = '123e4567-e89b-12d3-a456-4266554400a0';
    expect((await push({ 'apns-id': id, 'apns-priority': '3' })).headers['apns-id']).toBe(id);
  });

  it('is refused for a killed token with the time of its death in milliseconds', async () => {
    await simulators.admin.killTokens('apns', [TOKEN], { timestamp: 1_700_000_000_123 });
    const outcome = await push();
    expect(outcome).toMatchObject({ status: 410, json: { reason: 'Unregistered', timestamp: 1_700_000_000_123 } });
  });

  it('gets a timestamp with 410 only', async () => {
    expect((await push({ ':path': '/3/device/dead0410aa' })).json).toHaveProperty('timestamp');
    expect((await push({ ':path': '/3/device/dead0400aa' })).json).not.toHaveProperty('timestamp');
  });

  it('is refused for a token killed with a given reason', async () => {
    await simulators.admin.killTokens('apns', [TOKEN], { reason: 'ExpiredToken' });
    expect(await push()).toMatchObject({ status: 410, json: { reason: 'ExpiredToken' } });
  });

  it('is refused for a token of another topic', async () => {
    await simulators.admin.registerTokens('apns', [TOKEN], 'com.example.other');
    expect(await push()).toMatchObject({ status: 400, json: { reason: 'DeviceTokenNotForTopic' } });
  });

  it('is refused for an unknown token in strict mode, not for a registered one', async () => {
    await simulators.admin.setTokenMode('strict', 'apns');
    expect(await push()).toMatchObject({ status: 400, json: { reason: 'BadDeviceToken' } });
    await simulators.admin.registerTokens('apns', [TOKEN]);
    expect((await push()).status).toBe(200);
  });

  it('is refused above the rate of one token, for that token only', async () => {
    await simulators.admin.changeSettings({ apns: { perTokenPerMinute: 2 } });
    const statuses = [await push(), await push(), await push()].map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await push({ ':path': '/3/device/cd' })).status).toBe(200);
  });

  it('gets the first fault in the order of the checks', async () => {
    const wrong = { ':path': '/3/device/dead0410aa', 'apns-push-type': 'shout', 'apns-expiration': 'soon' };
    const reasons = [];
    reasons.push((await push({ ...wrong, 'apns-id': 'x', 'apns-topic': '' }, '')).json?.['reason']);
    reasons.push((await push({ ...wrong, 'apns-topic': '' }, '')).json?.['reason']);
    reasons.push((await push(wrong, '')).json?.['reason']);
    reasons.push((await push({ ...wrong, 'apns-push-type': 'alert' }, '')).json?.['reason']);
    reasons.push((await push({ ':path': wrong[':path'] }, '')).json?.['reason']);
    reasons.push((await push({}, '')).json?.['reason']);
    expect(reasons).toEqual([
      'BadMessageId',
      'MissingTopic',
      'InvalidPushType',
      'BadExpirationDate',
      'Unregistered',
      'PayloadEmpty',
    ]);
  });
});

describe('the connection', () => {
  it('is closed after too many bad tokens, with the reason', async () => {
    await simulators.admin.changeSettings({ apns: { disconnectAfterBadTokens: 2 } });
    const other = await connect(simulators.apns.url, simulators.ca);
    const goaway = new Promise<Buffer>((resolve) =>
      other.once('goaway', (_code, _last, data) => resolve(data as Buffer)),
    );
    const headers = { ':path': '/3/device/dead0400aa', authorization, 'apns-topic': 'com.example.app' };
    for (let i = 0; i < 2; i++) expect((await send(other, headers, BODY)).status).toBe(400);
    expect(JSON.parse(String(await goaway))).toEqual({ reason: 'BadDeviceToken' });
  });
});
