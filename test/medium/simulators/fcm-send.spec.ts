import type { ClientHttp2Session } from 'node:http2';
import { request } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { closed, connect, send, signAssertion, type Outcome } from './h2-client.js';

const PATH = '/v1/projects/example-project/messages:send';
const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';

interface GoogleError {
  code: number;
  message: string;
  status: string;
  details?: { '@type': string; errorCode?: string; fieldViolations?: { field: string; description: string }[] }[];
}

let simulators: RunningSimulators;
let session: ClientHttp2Session;
let authorization: string;

beforeAll(async () => {
  simulators = await startSimulators();
  session = await connect(simulators.fcm.url, simulators.ca);
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: await signAssertion(simulators.credentials.fcm),
  });
  const headers = { ':path': '/token', 'content-type': 'application/x-www-form-urlencoded' };
  const outcome = await send(session, headers, form.toString());
  authorization = `Bearer ${String(outcome.json?.['access_token'])}`;
});
afterAll(async () => {
  session.destroy();
  await simulators.stop();
});
beforeEach(() => simulators.admin.reset());

function post(body: unknown, path = PATH): Promise<Outcome> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return send(session, { ':path': path, authorization, 'content-type': 'application/json' }, text);
}

function push(fields: Record<string, unknown>): Promise<Outcome> {
  return post({ message: { token: 't1', ...fields } });
}

function errorOf(outcome: Outcome): GoogleError {
  return outcome.json?.['error'] as GoogleError;
}

function detail(outcome: Outcome, type: string) {
  return errorOf(outcome).details?.find((one) => one['@type'] === type);
}

describe('a valid message', () => {
  it('is answered 200 with its name, over HTTP/2', async () => {
    const outcome = await push({ notification: { title: 'a', body: 'b' } });
    expect(outcome.status).toBe(200);
    expect(outcome.json?.['name']).toMatch(/^projects\/example-project\/messages\/.+/);
  });

  it('is answered the same over HTTP/1.1', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const { ca } = simulators;
      const options = { method: 'POST', ca, headers: { authorization }, agent: false } as const;
      const sent = request(simulators.fcm.url + PATH, options, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      sent.on('error', reject).end(JSON.stringify({ message: { token: 'over-http1' } }));
    });
    expect(status).toBe(200);
    expect(await simulators.admin.lastAccepted('fcm')).toMatchObject([{ token: 'over-http1', stream: 0 }]);
  });

  it('may have every field of the schema', async () => {
    const notification = {
      title: 't',
      body: 'b',
      icon: 'i',
      color: '#aabbcc',
      sound: 's',
      tag: 'g',
      click_action: 'c',
      channel_id: 'h',
      body_loc_key: 'k',
      body_loc_args: ['1'],
      title_loc_key: 'k',
      title_loc_args: ['1'],
      ticker: 'x',
      sticky: true,
      event_time: '2026-11-23T00:00:00Z',
      local_only: false,
      notification_priority: 'PRIORITY_MAX',
      default_sound: true,
      default_vibrate_timings: false,
      default_light_settings: false,
      vibrate_timings: ['0.5s', '1s'],
      visibility: 'PUBLIC',
      notification_count: 3,
      image: 'https://example.com/a.png',
      proxy: 'DENY',
      light_settings: {
        color: { red: 1, green: 0, blue: 0, alpha: 1 },
        light_on_duration: '1s',
        light_off_duration: '1s',
      },
    };
    const android = {
      collapse_key: 'c',
      priority: 'HIGH',
      ttl: '3.5s',
      restricted_package_name: 'p',
      data: { a: 'b' },
      notification,
      fcm_options: { analytics_label: 'l' },
      direct_boot_ok: true,
      bandwidth_constrained_ok: true,
      restricted_satellite_ok: false,
    };
    const apns = { headers: { 'apns-priority': '5' }, payload: { aps: { badge: 1 } }, fcm_options: { image: 'i' } };
    const webpush = {
      headers: { TTL: '1' },
      data: { a: 'b' },
      notification: { title: 't' },
      fcm_options: { link: 'l' },
    };
    const outcome = await push({ data: { a: 'b' }, android, apns, webpush, fcm_options: { analytics_label: 'l' } });
    expect(outcome).toMatchObject({ status: 200 });
  });

  it.each([
    ['camelCase names', { android: { collapseKey: 'c', notification: { channelId: 'c' } } }],
    ['a lower-case priority', { android: { priority: 'high' } }],
    ['no time to live', { android: { ttl: '0s' } }],
    ['four weeks to live', { android: { ttl: '2419200s' } }],
    ['4096 bytes of data', { data: { k: 'x'.repeat(4095) } }],
  ])('may have %s', async (_name, fields) => {
    expect((await push(fields)).status).toBe(200);
  });

  it.each([
    ['a topic', { topic: 'news-1' }],
    ['a condition', { condition: "'a' in topics && ('b' in topics || !('c' in topics))" }],
    ['an installation', { fid: 'cRt-1' }],
  ])('may go to %s', async (_name, message) => {
    expect((await post({ message })).status).toBe(200);
  });

  it('is not recorded if it is only validated', async () => {
    const outcome = await post({ validate_only: true, message: { token: 't1' } });
    expect(outcome.status).toBe(200);
    expect((await simulators.admin.counters()).fcm).toMatchObject({ accepted: 0, answers: { '200 dry run': 1 } });
  });
});

const NOTIFICATION = 'message.android.notification';
const shown = (notification: object) => ({ android: { notification } });
const light = (light_settings: object) => shown({ light_settings });

describe('an invalid request', () => {
  it.each([
    ['without a token', {}, 401, 'UNAUTHENTICATED'],
    ['with an unknown token', { authorization: 'Bearer ya29.x' }, 401, 'UNAUTHENTICATED'],
  ])('%s', async (_name, headers, status, name) => {
    const outcome = await send(session, { ':path': PATH, ...headers }, '{}');
    expect(outcome).toMatchObject({ status, json: { error: { code: status, status: name } } });
    expect(outcome.headers['www-authenticate']).toContain('Bearer');
  });

  it('for an unknown project gets a bare 404 without FcmError', async () => {
    const outcome = await post({ message: { token: 't1' } }, '/v1/projects/nowhere/messages:send');
    expect(outcome).toMatchObject({ status: 404, json: { error: { status: 'NOT_FOUND' } } });
    expect(errorOf(outcome).details).toBeUndefined();
  });

  it('for a wrong URL gets an HTML page', async () => {
    const outcome = await post({}, '/fcm/send');
    expect(outcome).toMatchObject({ status: 404, text: expect.stringContaining('<html') as string });
  });

  // Refused while JSON becomes a message: the field is named, without an FcmError.
  it.each([
    ['an unknown field', { colour: 'x' }, 'message', /Unknown name "colour" at 'message'/],
    [
      'an unknown notification field',
      { android: { notification: { colour: 'x' } } },
      'message.android.notification',
      /"colour"/,
    ],
    ["a name of an object's member", { constructor: 'x' }, 'message', /Unknown name "constructor"/],
    ['a number in data', { data: { a: 'x', b: 5 } }, 'message.data[1].value', /TYPE_STRING/],
    ['data that is not an object', { data: 'x' }, 'message.data', /TYPE_MESSAGE/],
    ['a ttl in plain seconds', { android: { ttl: '60' } }, 'message.android.ttl', /DURATION/],
    ['a ttl that is a number', { android: { ttl: 60 } }, 'message.android.ttl', /DURATION/],
    ['an unknown priority', { android: { priority: 'URGENT' } }, 'message.android.priority', /TYPE_ENUM/],
    [
      'a boolean as text',
      { android: { notification: { sticky: 'yes' } } },
      'message.android.notification.sticky',
      /BOOL/,
    ],
    [
      'a number as APNs header',
      { apns: { headers: { 'apns-priority': 5 } } },
      'message.apns.headers[0].value',
      /STRING/,
    ],
    ['two targets', { topic: 'a' }, 'message', /two targets/],
  ])('for %s is a fault of form', async (_name, fields, field, description) => {
    const outcome = await push(fields);
    expect(outcome.status).toBe(400);
    expect(errorOf(outcome).status).toBe('INVALID_ARGUMENT');
    expect(detail(outcome, FCM_ERROR)).toBeUndefined();
    expect(detail(outcome, BAD_REQUEST)?.fieldViolations).toEqual([
      { field, description: expect.stringMatching(description) as string },
    ]);
  });

  it('for a body that is not JSON is refused', async () => {
    expect(await post('{"message":')).toMatchObject({ status: 400, json: { error: { status: 'INVALID_ARGUMENT' } } });
  });

  it.each([
    ['no target', { token: undefined }, 'message'],
    ['a reserved key', { data: { from: 'x' } }, 'message.data'],
    ['a reserved prefix', { data: { 'google.x': 'x' } }, 'message.data'],
    ['a reserved key for Android', { android: { data: { 'gcm.n': 'x' } } }, 'message.android.data'],
    ['a ttl over four weeks', { android: { ttl: '2419201s' } }, 'message.android.ttl'],
    ['a negative ttl', { android: { ttl: '-1s' } }, 'message.android.ttl'],
    ['4097 bytes of data', { data: { k: 'x'.repeat(4096) } }, 'message'],
    ['2049 bytes to a topic', { token: undefined, topic: 'a', data: { k: 'x'.repeat(2048) } }, 'message'],
    ['a malformed topic', { token: undefined, topic: '/topics/a' }, 'message.topic'],
    ['a broken condition', { token: undefined, condition: "'a' in topics &&" }, 'message.condition'],
    [
      'a condition of six topics',
      { token: undefined, condition: ['a', 'b', 'c', 'd', 'e', 'f'].map((t) => `'${t}' in topics`).join(' || ') },
      'message.condition',
    ],
    ['a colour that is not #rrggbb', shown({ color: 'red' }), `${NOTIFICATION}.color`],
    ['a light brighter than 1', light({ color: { red: 255 } }), `${NOTIFICATION}.light_settings.color.red`],
    [
      'a light without an end',
      light({ color: {}, light_on_duration: '1s' }),
      `${NOTIFICATION}.light_settings.light_off_duration`,
    ],
    ['a malformed token', { token: 'no token at all' }, 'message.token'],
    ['a token named to be malformed', { token: 'dead0400' }, 'message.token'],
  ])('for %s is refused by FCM', async (_name, fields, field) => {
    const outcome = await push(fields);
    expect(outcome.status).toBe(400);
    expect(detail(outcome, FCM_ERROR)?.errorCode).toBe('INVALID_ARGUMENT');
    expect(detail(outcome, BAD_REQUEST)?.fieldViolations).toMatchObject([{ field }]);
  });

  it.each([
    ['dead0404', 404, 'NOT_FOUND', 'UNREGISTERED'],
    ['dead0403', 403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH'],
    ['dead0401', 401, 'UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'],
    ['dead0429', 429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'],
    ['dead0500', 500, 'INTERNAL', 'INTERNAL'],
    ['dead0503', 503, 'UNAVAILABLE', 'UNAVAILABLE'],
  ])('for a token named %s gets %i %s with FcmError %s', async (token, status, name, errorCode) => {
    const outcome = await push({ token });
    expect(outcome).toMatchObject({ status, json: { error: { code: status, status: name } } });
    expect(detail(outcome, FCM_ERROR)?.errorCode).toBe(errorCode);
  });

  it('for a killed token is refused, and for an unknown one in strict mode', async () => {
    await simulators.admin.killTokens('fcm', ['t1']);
    expect((await push({})).status).toBe(404);
    await simulators.admin.setTokenMode('strict');
    expect((await push({ token: 't2' })).status).toBe(400);
    await simulators.admin.registerTokens('fcm', ['t2']);
    expect((await push({ token: 't2' })).status).toBe(200);
  });
});

describe('quota', () => {
  it('of the project: 429 with QuotaFailure, and with Retry-After if configured', async () => {
    await simulators.admin.changeSettings({ fcm: { quotaPerMinute: 2 } });
    expect([(await push({})).status, (await push({})).status]).toEqual([200, 200]);
    const outcome = await push({});
    expect(outcome.status).toBe(429);
    const quota = detail(outcome, 'type.googleapis.com/google.rpc.QuotaFailure');
    expect(JSON.stringify(quota)).toContain('project:example-project');
    expect(outcome.headers).not.toHaveProperty('retry-after');
    await simulators.admin.changeSettings({ fcm: { retryAfterSeconds: 60 } });
    expect((await push({})).headers['retry-after']).toBe('60');
  });

  it('of one token affects that token only', async () => {
    await simulators.admin.changeSettings({ fcm: { perTokenPerMinute: 1 } });
    const seen = [await push({}), await push({}), await push({ token: 't2' })];
    expect(seen.map(({ status }) => status)).toEqual([200, 429, 200]);
    expect(JSON.stringify(errorOf(seen[1] as Outcome).details)).toContain('device:t1');
  });
});

describe('faults', () => {
  it('a front-end error is an HTML page', async () => {
    await simulators.admin.setFaults([{ match: { provider: 'fcm' }, action: { status: 502 } }]);
    const outcome = await push({});
    expect(outcome).toMatchObject({ status: 502, text: expect.stringContaining('<html') as string });
    expect(outcome.headers['content-type']).toContain('text/html');
  });

  it('a quota fault may name its scope', async () => {
    const action = { status: 429, reason: 'QUOTA_EXCEEDED:topic', headers: { 'retry-after': '9' } };
    await simulators.admin.setFaults([{ match: { token: 't1' }, action }]);
    const outcome = await push({});
    expect(outcome.headers['retry-after']).toBe('9');
    expect(JSON.stringify(errorOf(outcome).details)).toContain('topic:example-project');
  });

  it('a message whose answer is lost is in the ledger', async () => {
    await simulators.admin.setFaults([{ match: { token: 'cut' }, action: { acceptThenCut: true } }]);
    const own = await connect(simulators.fcm.url, simulators.ca);
    const body = JSON.stringify({ message: { token: 'cut', data: { nid: 'n1' } } });
    expect((await send(own, { ':path': PATH, authorization }, body)).status).toBeUndefined();
    await closed(own);
    expect(await simulators.admin.ledger('fcm', 'n1')).toMatchObject({ accepted: 1, answersLost: 1 });
  });
});
