import { importPKCS8, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { createHmsCredentials } from '../../simulators/credentials.js';
import { now } from './h2-client.js';
import { post, postForm } from './h1-client.js';

const AUDIENCE = 'https://oauth-login.cloud.huawei.com/oauth2/v3/token';
const ANDROID = { collapse_key: -1, ttl: '60s', notification: { click_action: { type: 3 }, tag: 'tag1' } };
const MESSAGE = { notification: { title: 'T', body: 'B' }, data: '{"nid":"m1"}', android: ANDROID };
const shown = (change: object) => ({
  android: { ...ANDROID, notification: { ...ANDROID.notification, ...change } },
});
const ALERT = { notification: { category: 'MARKETING', title: 'T', body: 'B', clickAction: { actionType: 0 } } };

let simulators: RunningSimulators;
let bearer: string;

beforeAll(async () => {
  simulators = await startSimulators();
  const { clientId: client_id, clientSecret: client_secret } = simulators.credentials.hms.oauth;
  const form = { grant_type: 'client_credentials', client_id, client_secret };
  const granted = await postForm(simulators.hms.tokenUrl, simulators.ca, form);
  bearer = String(granted.json['access_token']);
});
afterAll(() => simulators.stop());
beforeEach(() => simulators.admin.reset());

async function send(path: string, body: unknown, token = bearer, headers: Record<string, string> = {}) {
  const all = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers };
  const { status, text } = await post(`${simulators.hms.url}${path}`, simulators.ca, all, JSON.stringify(body));
  return { status, ...(JSON.parse(text) as { code: string; msg: string; requestId: string }) };
}

function sendV1(change: Record<string, unknown>, token = ['t1']) {
  const { appId } = simulators.credentials.hms.oauth;
  return send(`/v1/${appId}/messages:send`, { message: { ...MESSAGE, ...change, token } });
}

async function sign(claims: Record<string, unknown> = {}, alg = 'PS256'): Promise<string> {
  const { keyId, subAccount, privateKey } = simulators.credentials.hms.account;
  return new SignJWT({ iss: subAccount, aud: AUDIENCE, iat: now(), exp: now() + 3_600, ...claims })
    .setProtectedHeader({ alg, typ: 'JWT', kid: keyId })
    .sign(await importPKCS8(privateKey, alg));
}

function sendV3(token: string, tokens = ['t1'], headers: Record<string, string> = { 'push-type': '0' }) {
  const path = `/v3/${simulators.credentials.hms.account.projectId}/messages:send`;
  return send(path, { payload: ALERT, target: { token: tokens } }, token, headers);
}

it('accepts clients and accounts that are registered later', async () => {
  const client = { appId: '77', clientId: '78', clientSecret: 'later' };
  await simulators.admin.registerCredentials({ hms: client });
  const form = { grant_type: 'client_credentials', client_id: '78', client_secret: 'later' };
  const granted = await postForm(simulators.hms.tokenUrl, simulators.ca, form);
  const token = String(granted.json['access_token']);
  const message = { message: { ...MESSAGE, token: ['t1'] } };
  expect((await send('/v1/77/messages:send', message, token)).code).toBe('80000000');
  expect((await send('/v1/78/messages:send', message, token)).code).toBe('80300002');

  const { credentials, registration } = createHmsCredentials();
  await simulators.admin.registerCredentials({ hms: { ...registration, projectId: '79' } });
  const { keyId, subAccount, privateKey } = credentials.account;
  const jwt = await new SignJWT({ iss: subAccount, aud: AUDIENCE, iat: now(), exp: now() + 60 })
    .setProtectedHeader({ alg: 'PS256', typ: 'JWT', kid: keyId })
    .sign(await importPKCS8(privateKey, 'PS256'));
  const harmony = { payload: ALERT, target: { token: ['t1'] } };
  expect((await send('/v3/79/messages:send', harmony, jwt, { 'push-type': '0' })).code).toBe('80000000');
});

describe('v1', () => {
  it('accepts a message for each of its tokens', async () => {
    expect(await sendV1({}, ['a', 'b'])).toMatchObject({ status: 200, code: '80000000', msg: 'Success' });
    expect(await simulators.admin.ledger('hms', 'm1')).toMatchObject({ accepted: 2, distinct: 2 });
  });

  it('names illegal tokens as JSON text, or answers that all are illegal', async () => {
    await simulators.admin.killTokens('hms', ['b']);
    const { code, msg } = await sendV1({}, ['a', 'b']);
    expect([code, JSON.parse(msg)]).toEqual(['80100000', { success: 1, failure: 1, illegal_tokens: ['b'] }]);
    expect((await sendV1({}, ['b'])).code).toBe('80300007');
    expect((await simulators.admin.ledger('hms')).accepted).toBe(1);
  });

  it.each<[string, string, Record<string, unknown>]>([
    ['80100003', 'no title', { notification: { body: 'B' } }],
    ['80100003', 'no click action', { android: { ...ANDROID, notification: {} } }],
    ['80100003', 'nothing to say', { notification: undefined, data: undefined }],
    ['80100003', 'data that is no text', { data: {} }],
    ['80100004', 'a life of 16 days', { android: { ...ANDROID, ttl: '1382400s' } }],
    ['80100004', 'a life without unit', { android: { ...ANDROID, ttl: '60' } }],
    ['80100013', 'a collapse key of 101', { android: { ...ANDROID, collapse_key: 101 } }],
    ['80100001', 'no such urgency', { android: { ...ANDROID, urgency: 'LOW' } }],
    ['80100003', 'a flag that is text', shown({ default_sound: 'true' })],
    ['80100003', 'a word of no list', shown({ visibility: 'secret' })],
    ['80100003', 'a light without colour', shown({ light_settings: { light_on_duration: '1s' } })],
    ['80100003', 'a big text without title', shown({ style: 1, big_body: 'B' })],
    ['80100003', 'no lines', shown({ style: 3, inbox_content: [] })],
    ['80100022', 'a picture without TLS', shown({ image: 'http://example.com/p.png' })],
    ['80300008', 'more than 4096 bytes', { data: 'x'.repeat(4_096) }],
  ])('answers %s to %s', async (code, _what, change) => {
    expect((await sendV1(change)).code).toBe(code);
    expect((await simulators.admin.ledger('hms')).accepted).toBe(0);
  });

  it('accepts a thousand tokens, and refuses more or none', async () => {
    const tokens = Array.from({ length: 1_001 }, (_, index) => `t${index}`);
    expect((await sendV1({}, tokens.slice(1))).code).toBe('80000000');
    expect((await sendV1({}, tokens)).code).toBe('80300010');
    expect((await sendV1({}, [])).code).toBe('80100001');
  });

  it('checks its access tokens and their app', async () => {
    const path = `/v1/${simulators.credentials.hms.oauth.appId}/messages:send`;
    const body = { message: { ...MESSAGE, token: ['t'] } };
    expect(await send(path, body, 'x')).toMatchObject({ status: 401, code: '80200003' });
    expect((await send('/v1/999/messages:send', body)).code).toBe('80300002');
    expect((await send(path, body, await sign())).code).toBe('80200001');
    expect((await send('/v2/99536292/messages:send', body, await sign())).code).toBe('80000000');
  });

  it('fails on command with a code, or like a front end', async () => {
    await simulators.admin.setFaults([{ match: {}, action: { status: 500, reason: '81000001' } }]);
    expect(await sendV1({})).toMatchObject({ status: 500, code: '81000001' });
    await simulators.admin.setFaults([{ match: {}, action: { status: 503 } }]);
    await expect(sendV1({})).rejects.toThrow(/JSON/);
  });
});

describe('v3', () => {
  it('accepts a JWT of the service account, and groups illegal tokens by cause', async () => {
    expect((await sendV3(await sign())).code).toBe('80000000');
    await simulators.admin.killTokens('hms', ['b'], { reason: 'noRight' });
    const { code, msg } = await sendV3(await sign(), ['a', 'b', 'dead0001']);
    expect(code).toBe('80100000');
    expect(JSON.parse(msg)).toMatchObject({ illegalTokens: { noRight: ['b'], tokenFormatError: ['dead0001'] } });
  });

  it.each<[string, string, Record<string, unknown>, string?]>([
    ['80200005', 'that has ended', { iat: now() - 7_200, exp: now() - 3_600 }],
    ['80200001', 'of more than an hour', { exp: now() + 3_700 }],
    ['80200001', 'of the future', { iat: now() + 600, exp: now() + 900 }],
    ['80200001', 'of another account', { iss: 'x' }],
    ['80200001', 'for another audience', { aud: 'x' }],
    ['80200001', 'signed RS256', {}, 'RS256'],
  ])('answers %s to a JWT %s', async (code, _what, claims, alg) => {
    expect(await sendV3(await sign(claims, alg))).toMatchObject({ status: 401, code });
  });

  it.each<[string, string, object]>([
    ['80100003', 'no lines', { style: 3 }],
    ['80100003', 'a style of v1', { style: 1 }],
    ['80100022', 'a picture without TLS', { image: 'http://example.com/p.png' }],
  ])('answers %s to %s', async (code, _what, change) => {
    const path = `/v3/${simulators.credentials.hms.account.projectId}/messages:send`;
    const payload = { notification: { ...ALERT.notification, ...change } };
    const answer = await send(path, { payload, target: { token: ['t1'] } }, await sign(), { 'push-type': '0' });
    expect(answer.code).toBe(code);
  });

  it('refuses an OAuth token, and requires a push-type', async () => {
    expect((await sendV3(bearer)).code).toBe('80200001');
    expect((await sendV3(await sign(), ['t'], {})).code).toBe('80100001');
  });
});
