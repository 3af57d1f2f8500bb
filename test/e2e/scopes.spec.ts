import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { ACTS } from '../../src/audit/acts.js';
import { basic } from '../harness/admin.js';
import { issueToken } from '../harness/api.js';
import { P12_PASSWORD, makeP12 } from '../harness/p12.js';
import { runProgram } from '../harness/program.js';
import { LIST_ROUTES, fillRoute, routesOf } from '../harness/routes.js';
import { createServiceAccount } from '../simulators/credentials.js';
import { EMBEDDED } from './stages.js';

/**
 * The scope of every route of the running program: called without a token, with one for another application, with one
 * without the scope element, and with the right one. A route without a row fails; rows are called in order.
 */
interface Row {
  /** The scope element. */
  needs?: string;
  /** Its second element; by default the application of the path. */
  application?: string;
  /** Needs no element for an application. */
  alone?: true;
  /** Needs a confidential client that may administer, by Basic or Bearer. */
  admin?: true;
  /** No authentication. */
  open?: true;
  /** The route authenticates its caller itself: the file with its tests. */
  own?: string;
  /** Instead of values of PARAMETERS. */
  path?: Record<string, string>;
  query?: string;
  body?: unknown;
  /** NDJSON instead of a body. */
  lines?: string;
  /** With the right token. */
  status: number;
}

const APPLICATION = 'com.example.app';
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const WNS = { packageSID: 'ms-app://s-1-15-2-1-2-3', clientSecret: 'hush' };
const HMS = { projectId: '9', keyId: 'k1', subAccount: 's1', privateKey: RSA };
const HELLO = { message: { alert: 'Hello' } };
const RECEIPT = { deviceId: 'scoped', kind: 'opened' };
const HOOK = { url: 'https://hooks.example/', eventTypes: 'onSubscribe' };
const CAMPAIGN = {
  name: 'Digest',
  content: HELLO,
  target: { deviceIds: ['never'] },
  schedule: { cron: '0 9 * * 1', timeZone: 'Europe/Berlin' },
};
const MADE = { applicationId: 'com.example.made' };
const app = '/imfpush/v1/apps/:applicationId';
const admin = '/mfpadmin/management-apis/2.0/runtimes/:runtimeName';

const ROWS: Record<string, Row> = {
  'GET /health/live': { open: true, status: 200 },
  'GET /health/ready': { open: true, status: 200 },
  'GET /health/status': { open: true, status: 200 },
  'GET /imfpush/v1/health/status': { open: true, status: 200 },
  'GET /imfpush/v1/swagger.json': { open: true, status: 200 },
  'GET /:runtimeName/api/az/v1/jwks': { open: true, status: 200 },
  'POST /:runtimeName/api/az/v1/token': { own: 'clients.spec.ts', status: 200 },
  'POST /:runtimeName/api/az/v1/revocation': { own: 'clients.spec.ts', status: 200 },
  'POST /:runtimeName/api/az/v1/introspection': { own: 'clients.spec.ts', status: 200 },

  'GET /metrics': { needs: 'metrics.read', alone: true, status: 200 },
  'GET /imfpush/v1/system': { needs: 'mfpmonitor', alone: true, status: 200 },
  'GET /version': { needs: 'mfpmonitor', alone: true, status: 200 },
  'POST /imfpush/v1/apps': { needs: 'apps.write', application: MADE.applicationId, body: MADE, status: 201 },
  'GET /imfpush/v1/apps': { needs: 'apps.read', application: '*', status: 200 },
  [`GET ${app}`]: { needs: 'apps.read', status: 200 },
  [`GET ${app}/status`]: { needs: 'apps.read', status: 200 },
  [`PUT ${app}/status`]: {
    needs: 'apps.write',
    body: { enabled: 'true', approval: { above: 1_000_000 } },
    status: 200,
  },
  [`DELETE ${app}`]: { needs: 'apps.write', path: MADE, status: 204 },

  [`GET ${app}/settings`]: { needs: 'settings.read', status: 200 },
  [`PUT ${app}/settings/apnsConf`]: { needs: 'apnsConf.write', status: 200 },
  // Authorised; no settings are stored, or the provider is not reached.
  [`POST ${app}/settings/apnsConf/test`]: { needs: 'apnsConf.write', body: { key: 'k' }, status: 400 },
  [`POST ${app}/settings/fcmConf/test`]: { needs: 'fcmConf.write', status: 404 },
  [`POST ${app}/settings/wnsConf/test`]: { needs: 'wnsConf.write', status: 404 },
  [`POST ${app}/settings/hmsConf/test`]: { needs: 'hmsConf.write', status: 404 },
  [`POST ${app}/settings/webPushConf/test`]: { needs: 'webPushConf.write', status: 404 },
  [`POST ${app}/settings/upstreamConf/test`]: { needs: 'upstreamConf.write', status: 404 },
  [`GET ${app}/settings/apnsConf`]: { needs: 'apnsConf.read', status: 200 },
  [`GET ${app}/settings/apnsCert`]: { needs: 'apnsCert.read', status: 200 },
  [`DELETE ${app}/settings/apnsConf`]: { needs: 'apnsConf.write', status: 204 },
  [`PUT ${app}/settings/gcmConf`]: { needs: 'gcmConf.write', body: { apiKey: 'k', senderId: '123' }, status: 200 },
  [`GET ${app}/settings/gcmConf`]: { needs: 'gcmConf.read', status: 200 },
  [`GET ${app}/settings/gcmConfPublic`]: { needs: 'gcmConfPublic.read', status: 200 },
  [`DELETE ${app}/settings/gcmConf`]: { needs: 'gcmConf.write', status: 204 },
  [`PUT ${app}/settings/fcmConf`]: {
    needs: 'fcmConf.write',
    body: createServiceAccount('project', 'https://localhost/token').file,
    status: 200,
  },
  [`GET ${app}/settings/fcmConf`]: { needs: 'fcmConf.read', status: 200 },
  [`DELETE ${app}/settings/fcmConf`]: { needs: 'fcmConf.write', status: 204 },
  [`PUT ${app}/settings/wnsConf`]: { needs: 'wnsConf.write', body: WNS, status: 200 },
  [`GET ${app}/settings/wnsConf`]: { needs: 'wnsConf.read', status: 200 },
  [`DELETE ${app}/settings/wnsConf`]: { needs: 'wnsConf.write', status: 204 },
  [`PUT ${app}/settings/hmsConf`]: { needs: 'hmsConf.write', body: HMS, status: 200 },
  [`GET ${app}/settings/hmsConf`]: { needs: 'hmsConf.read', status: 200 },
  [`DELETE ${app}/settings/hmsConf`]: { needs: 'hmsConf.write', status: 204 },
  [`PUT ${app}/settings/webPushConf`]: {
    needs: 'webPushConf.write',
    body: { subject: 'mailto:a@example.com' },
    status: 200,
  },
  [`GET ${app}/settings/webPushConf`]: { needs: 'webPushConf.read', status: 200 },
  [`GET ${app}/settings/webPushConfPublic`]: { needs: 'gcmConfPublic.read', status: 200 },
  [`DELETE ${app}/settings/webPushConf`]: { needs: 'webPushConf.write', status: 204 },
  [`PUT ${app}/settings/upstreamConf`]: {
    needs: 'upstreamConf.write',
    body: { baseUrl: 'http://localhost:1/mfp', clientId: 'relay', secret: 'hush', mode: 'direct' },
    status: 200,
  },
  [`GET ${app}/settings/upstreamConf`]: { needs: 'upstreamConf.read', status: 200 },
  [`DELETE ${app}/settings/upstreamConf`]: { needs: 'upstreamConf.write', status: 204 },
  // Authorised, and then refused because there is no SMS.
  [`PUT ${app}/settings/smsConf`]: { needs: 'smsConf.write', body: { host: 'a' }, status: 400 },
  [`GET ${app}/settings/smsConf`]: { needs: 'smsConf.read', status: 404 },
  [`DELETE ${app}/settings/smsConf`]: { needs: 'smsConf.write', status: 404 },
  [`GET ${app}/providers`]: { needs: 'settings.read', status: 200 },
  // Not paused.
  [`POST ${app}/providers/:provider/resume`]: { needs: 'apps.write', status: 409 },

  [`POST ${app}/webhooks`]: { needs: 'webhooks.write', body: { name: 'w', ...HOOK }, status: 200 },
  [`GET ${app}/webhooks`]: { needs: 'webhooks.read', status: 200 },
  [`GET ${app}/webhooks/:name`]: { needs: 'webhooks.read', status: 200 },
  [`PUT ${app}/webhooks/:name`]: { needs: 'webhooks.write', body: HOOK, status: 200 },
  [`GET ${app}/webhooks/:name/attempts`]: { needs: 'webhooks.read', status: 200 },
  // hooks.example has no address.
  [`POST ${app}/webhooks/:name/test`]: { needs: 'webhooks.write', status: 200 },
  [`POST ${app}/webhooks/:name/replay`]: {
    needs: 'webhooks.write',
    body: { from: '2026-01-01T00:00:00Z' },
    status: 200,
  },
  [`POST ${app}/webhooks/:name/retry`]: { needs: 'webhooks.write', status: 204 },
  [`POST ${app}/webhooks/:name/secret`]: { needs: 'webhooks.write', status: 200 },
  [`DELETE ${app}/webhooks/:name/secretBefore`]: { needs: 'webhooks.write', status: 204 },
  [`DELETE ${app}/webhooks/:name`]: { needs: 'webhooks.write', status: 204 },

  [`GET ${app}/events`]: { needs: 'events.read', query: '?wait=0', status: 200 },
  [`GET ${app}/events/feed`]: { needs: 'events.read', status: 200 },
  [`PUT ${app}/events/feed`]: { needs: 'events.write', body: { eventTypes: 'message.*' }, status: 200 },

  [`POST ${app}/tags`]: { needs: 'tags.write', body: { name: 'weather' }, status: 201 },
  [`GET ${app}/tags`]: { needs: 'tags.read', status: 200 },
  [`GET ${app}/tags/:tagName`]: { needs: 'tags.read', status: 200 },
  [`PUT ${app}/tags/:tagName`]: { needs: 'tags.write', body: { description: 'Rain' }, status: 200 },
  [`POST ${app}/stop`]: { needs: 'apps.write', status: 200 },
  [`DELETE ${app}/stop`]: { needs: 'apps.write', status: 200 },
  [`POST ${app}/devices`]: {
    needs: 'devices.write',
    body: { deviceId: 'scoped', platform: 'A', token: 'sandbox:throttled-forever' },
    status: 201,
  },
  [`POST ${app}/devices:import`]: {
    needs: 'devices.write',
    lines: '{"deviceId":"brought","platform":"A","token":"sandbox:accepted:brought"}',
    status: 200,
  },
  [`GET ${app}/devices:export`]: { needs: 'devices.read', status: 200 },
  [`GET ${app}/devices`]: { needs: 'devices.read', status: 200 },
  [`GET ${app}/devices/:deviceId`]: { needs: 'devices.read', status: 200 },
  [`PUT ${app}/devices/:deviceId`]: { needs: 'devices.write', body: { userId: 'me' }, status: 200 },
  [`POST ${app}/devices/:deviceId/token`]: { needs: 'devices.write', status: 200 },
  [`POST ${app}/subscriptions`]: {
    needs: 'subscriptions.write',
    body: { deviceId: 'scoped', tagName: 'weather' },
    status: 201,
  },
  [`GET ${app}/subscriptions`]: { needs: 'subscriptions.read', status: 200 },
  [`GET ${app}/subscriptions/:subscriptionId`]: { needs: 'subscriptions.read', status: 404 },
  [`DELETE ${app}/subscriptions/:subscriptionId`]: { needs: 'subscriptions.write', status: 404 },
  [`DELETE ${app}/subscriptions`]: {
    needs: 'subscriptions.write',
    query: '?deviceId=scoped&tagName=weather',
    status: 204,
  },
  [`DELETE ${app}/tags/:tagName`]: { needs: 'tags.write', status: 204 },

  [`POST ${app}/audience:count`]: { needs: 'devices.read', body: {}, status: 200 },
  [`POST ${app}/audiences`]: {
    needs: 'audiences.write',
    body: { name: 'w', target: { platforms: ['A'] } },
    status: 201,
  },
  [`GET ${app}/audiences`]: { needs: 'audiences.read', status: 200 },
  [`GET ${app}/audiences/:name`]: { needs: 'audiences.read', status: 200 },
  [`PUT ${app}/audiences/:name`]: { needs: 'audiences.write', body: { target: { platforms: ['A'] } }, status: 200 },
  [`DELETE ${app}/audiences/:name`]: { needs: 'audiences.write', status: 204 },
  [`POST ${app}/campaigns`]: { needs: 'campaigns.write', body: CAMPAIGN, status: 201 },
  [`GET ${app}/campaigns`]: { needs: 'campaigns.read', status: 200 },
  [`GET ${app}/campaigns/:campaignId`]: { needs: 'campaigns.read', status: 200 },
  [`PUT ${app}/campaigns/:campaignId`]: { needs: 'campaigns.write', body: CAMPAIGN, status: 200 },
  [`GET ${app}/campaigns/:campaignId/preview`]: { needs: 'campaigns.read', status: 200 },
  [`POST ${app}/messages:render`]: { needs: 'messages.read', body: { content: HELLO }, status: 200 },
  [`POST ${app}/campaigns/:campaignId/test`]: {
    needs: 'campaigns.write',
    body: { deviceIds: ['nobody'] },
    status: 202,
  },
  [`GET ${app}/campaigns:firings`]: {
    needs: 'campaigns.read',
    query: '?from=2027-03-01T00:00:00Z&to=2027-03-02T00:00:00Z',
    status: 200,
  },
  [`POST ${app}/campaigns:shared`]: { needs: 'campaigns.read', body: { campaignIds: ['no', 'none'] }, status: 404 },
  [`POST ${app}/campaigns:preview`]: { needs: 'campaigns.write', body: CAMPAIGN, status: 200 },
  [`POST ${app}/campaigns/:campaignId/activate`]: { needs: 'campaigns.write', status: 200 },
  // The campaign does not wait.
  [`POST ${app}/campaigns/:campaignId/approve`]: {
    needs: 'campaigns.approve',
    body: { revision: 'r' },
    status: 409,
  },
  [`POST ${app}/campaigns/:campaignId/pause`]: { needs: 'campaigns.write', status: 200 },
  [`POST ${app}/campaigns/:campaignId/resume`]: { needs: 'campaigns.write', status: 200 },
  [`POST ${app}/campaigns/:campaignId/run`]: { needs: 'campaigns.write', status: 202 },
  [`GET ${app}/campaigns/:campaignId/runs`]: { needs: 'campaigns.read', status: 200 },
  [`GET ${app}/campaigns/:campaignId/runs/:runId`]: { needs: 'campaigns.read', status: 404 },
  [`POST ${app}/campaigns/:campaignId/duplicate`]: { needs: 'campaigns.write', status: 201 },
  // 200 names the open messages of its run.
  [`DELETE ${app}/campaigns/:campaignId`]: { needs: 'campaigns.write', status: 200 },

  [`POST ${app}/messages`]: { needs: 'messages.write', body: HELLO, status: 202 },
  [`POST ${app}/messages/bulk`]: { needs: 'messages.write', body: [HELLO], status: 202 },
  'GET /imfpush/v1/campaigns:firings': { needs: 'campaigns.read', application: '*', status: 200 },
  'GET /imfpush/v1/messages': { needs: 'messages.read', application: '*', status: 200 },
  'GET /imfpush/v1/stats': { needs: 'messages.read', application: '*', status: 200 },
  [`GET ${app}/stats`]: { needs: 'messages.read', status: 200 },
  [`GET ${app}/messages`]: { needs: 'messages.read', status: 200 },
  [`GET ${app}/messages/:messageId/deliveries`]: { needs: 'messages.read', status: 200 },
  [`GET ${app}/messages/:messageId/reasons`]: { needs: 'messages.read', status: 200 },
  [`GET ${app}/messages/:messageId/renderings`]: { needs: 'messages.read', status: 200 },
  [`GET ${app}/devices/:deviceId/messages`]: { needs: 'messages.read', status: 200 },
  [`GET ${app}/messages/:messageId`]: { needs: 'messages.read', status: 200 },
  // A message that never ends by itself: its device is throttled for ever.
  [`POST ${app}/messages/:messageId/approve`]: { needs: 'messages.approve', status: 409 },
  [`POST ${app}/messages/:messageId/pause`]: { needs: 'messages.write', status: 204 },
  [`POST ${app}/messages/:messageId/resume`]: { needs: 'messages.write', status: 204 },
  [`POST ${app}/messages/:messageId/resend`]: { needs: 'messages.write', body: { outcomes: ['failed'] }, status: 409 },
  // The message has no delivery to the device.
  [`POST ${app}/messages/:messageId/receipts`]: { needs: 'receipts.write', body: RECEIPT, status: 404 },
  [`POST ${app}/messages/:messageId/receipts/bulk`]: {
    needs: 'receipts.write',
    body: { receipts: [RECEIPT] },
    status: 200,
  },
  [`PUT ${app}/messages/:messageId`]: {
    needs: 'receipts.write',
    body: { deviceId: 'scoped', status: 'OPEN' },
    status: 404,
  },
  [`DELETE ${app}/messages/:messageId`]: { needs: 'messages.write', status: 204 },
  [`GET ${app}/users/:userId`]: { needs: 'devices.read messages.read', status: 200 },
  [`DELETE ${app}/users/:userId`]: { needs: 'devices.write messages.write', path: { userId: 'nobody' }, status: 204 },
  [`DELETE ${app}/devices/:deviceId`]: { needs: 'devices.write', status: 204 },

  [`GET ${admin}/confidentialclients`]: { admin: true, status: 200 },
  [`POST ${admin}/confidentialclients`]: {
    admin: true,
    body: { id: 'scoped', secret: 'hush', allowedScope: 'messages.*' },
    status: 201,
  },
  [`GET ${admin}/confidentialclients/:clientId`]: { admin: true, status: 200 },
  [`PATCH ${admin}/confidentialclients/:clientId`]: { admin: true, body: { displayName: 'Scoped' }, status: 200 },
  [`POST ${admin}/confidentialclients/:clientId/secret`]: { admin: true, body: {}, status: 200 },
  [`DELETE ${admin}/confidentialclients/:clientId`]: { admin: true, status: 204 },
  [`PUT ${admin}/confidentialclients`]: {
    admin: true,
    body: { clients: [{ id: 'test', allowedScope: '*' }] },
    status: 200,
  },
  [`GET ${admin}/signingkeys`]: { admin: true, status: 200 },
  [`POST ${admin}/signingkeys`]: { admin: true, status: 201 },
  [`GET ${admin}/auditevents`]: { admin: true, status: 200 },
  'GET /mfpadmin/management-apis/2.0/audit': { admin: true, status: 200 },
};

const program = runProgram(EMBEDDED, { flags: LIST_ROUTES });
const parameters: Record<string, string> = {
  runtimeName: 'mfp',
  applicationId: APPLICATION,
  deviceId: 'scoped',
  provider: 'fcm',
  name: 'w',
  clientId: 'scoped',
  tagName: 'weather',
  userId: 'me',
};

beforeAll(async () => {
  const { api } = program;
  await api.registerDevices([{ deviceId: 'never', platform: 'A', token: 'sandbox:throttled-forever:never' }]);
  parameters.messageId = await api.send({ ...HELLO, target: { deviceIds: ['never'] } });
  const made = await api.app<{ campaignId: string }>('POST', '/campaigns', CAMPAIGN);
  parameters.campaignId = made.body.campaignId;
  const { p12 } = makeP12(`/UID=${APPLICATION}`);
  ROWS[`PUT ${app}/settings/apnsConf`]!.body = { certificate: p12.toString('base64'), password: P12_PASSWORD };
});

async function call(route: string, row: Row, authorization?: string): Promise<Response> {
  const [method, template = ''] = route.split(' ');
  const values = { ...parameters, ...row.path };
  const path = fillRoute(template, values);
  const type = row.lines === undefined ? 'application/json' : 'application/x-ndjson';
  const body = row.lines ?? (row.body === undefined ? undefined : JSON.stringify(row.body));
  return fetch(`${program.carillon.url}${path}${row.query ?? ''}`, {
    method,
    headers: {
      ...(authorization && { authorization }),
      ...(body !== undefined && { 'content-type': type }),
    },
    body,
  });
}

const tokens = new Map<string, Promise<string>>();
function bearer(scope: string): Promise<string> {
  const token = tokens.get(scope) ?? issueToken(program.carillon.url, scope).then((text) => `Bearer ${text}`);
  tokens.set(scope, token);
  return token;
}

const applicationOf = (row: Row): string => row.application ?? row.path?.applicationId ?? APPLICATION;
const rows = Object.entries(ROWS);
const guarded = rows.filter(([, { needs }]) => needs !== undefined);
const administered = rows.filter(([, row]) => row.admin);

it('there is a row for every route, and a route for every row', () => {
  expect(Object.keys(ROWS).sort()).toEqual(routesOf(program.carillon));
});

describe.each(guarded)('%s', (route, row) => {
  it('requires a token', async () => {
    const answer = await call(route, row);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(await answer.json()).toMatchObject({ code: 'CARIL0401E' });
  });

  const others = [
    ['another application', `${row.needs} push.application.com.example.other`],
    ['no application', `${row.needs}`],
  ];
  it.each([
    ...(row.alone ? [] : others),
    ['the application and another element', `${row.needs}X push.application.${applicationOf(row)}`],
  ])('refuses a token for %s', async (_what, scope) => {
    const answer = await call(route, row, await bearer(scope));
    expect(answer.status).toBe(403);
    // An application in the body is unknown before the body is read, which the element permits.
    const unread = route === 'POST /imfpush/v1/apps' && scope.includes('X');
    const needs = unread || row.alone ? row.needs : `${row.needs} push.application.${applicationOf(row)}`;
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", scope="RegisteredClient ${needs}"`,
    );
    expect(await answer.json()).toMatchObject({ code: 'CARIL0403E' });
  });
});

describe('a token', () => {
  const route = `GET ${app}/messages/:messageId`;
  const row = { status: 200 };

  it.each([
    ['an unknown token', 'Bearer nonsense'],
    ['a token of another scheme', basic('test', 'test')],
  ])('%s is refused', async (_what, authorization) => expectInvalid(await call(route, row, authorization)));

  it('whose payload was changed is refused', async () => {
    const [header, payload = '', signature] = (await bearer('*')).split('.');
    const forged = Buffer.from(payload, 'base64url').toString().replace('"sub":"test"', '"sub":"root"');
    expectInvalid(await call(route, row, `${header}.${Buffer.from(forged).toString('base64url')}.${signature}`));
  });

  it('with one of two required elements is refused', async () => {
    for (const element of ['devices.read', 'messages.read'])
      expect((await call(`GET ${app}/users/:userId`, row, await bearer(`${element} push.application.*`))).status).toBe(
        403,
      );
  });

  it('without a scope is refused', async () => {
    expect((await call(route, row, await bearer(''))).status).toBe(403);
  });

  it.each([
    ['messages.control', ['pause', 'resume'], ['resend']],
    ['campaigns.control', ['pause', 'resume'], ['activate', 'run', 'duplicate']],
  ])('of %s pauses and resumes, and neither sends nor changes', async (element, allowed, refused) => {
    const [kind = ''] = element.split('.');
    const path = `${app}/${kind}/:${kind.slice(0, -1)}Id`;
    const token = await bearer(`${element} push.application.${APPLICATION}`);
    // 404: the call is authorised, and its object unknown.
    const none = { path: { messageId: 'none', campaignId: 'none' }, status: 404 };
    for (const verb of allowed) expect((await call(`POST ${path}/${verb}`, none, token)).status).toBe(404);
    for (const verb of refused) expect((await call(`POST ${path}/${verb}`, none, token)).status).toBe(403);
    expect((await call(`POST ${app}/${kind}`, none, token)).status).toBe(403);
    expect((await call(`DELETE ${path}`, none, token)).status).toBe(kind === 'messages' ? 404 : 403);
  });

  it('for all of a kind is accepted', async () => {
    expect((await call(route, row, await bearer('messages.* push.application.com.example.*'))).status).toBe(200);
  });

  function expectInvalid({ status, headers }: Response): void {
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"']);
  }
});

describe.each(administered)('%s', (route, row) => {
  it('requires a client that may administer', async () => {
    expect((await call(route, row)).status).toBe(401);
    expect((await call(route, row, 'Bearer nonsense')).status).toBe(401);
    expect((await call(route, row, basic('push', 'hsup'))).status).toBe(403);
    expect((await call(route, row, await bearer('messages.write push.application.*'))).status).toBe(403);
  });
});

describe('the right caller', () => {
  it.each(rows.filter(([, row]) => !row.own))('%s', async (route, row) => {
    const scope = `${row.needs} push.application.${applicationOf(row)}`;
    const authorization = row.open ? undefined : row.admin ? basic('test', 'test') : await bearer(scope);
    const answer = await call(route, row, authorization);
    expect([answer.status, answer.status === row.status ? '' : await answer.text()]).toEqual([row.status, '']);
  });

  it('a token of apnsConf.write sets gcmConf (conformance/settings.table.ts), and nothing else', async () => {
    const token = await bearer(`apnsConf.write push.application.${APPLICATION}`);
    expect((await call(`DELETE ${app}/settings/gcmConf`, { status: 204 }, token)).status).toBe(403);
  });
});

/** After the calls above: each is in the audit as src/audit/acts.ts lists it. */
describe('the audit', () => {
  interface Event {
    action: string;
    outcome: string;
    clientId: string;
    detail: { status?: number };
  }
  const listed = rows.flatMap(([route, row]) => {
    const act = ACTS[route.replaceAll(/(?<=\/):(\w+)/g, '{$1}')];
    return act && act.action !== 'sign_in' ? [{ route, row, act }] : [];
  });
  let events: Event[];
  beforeAll(async () => {
    const url = `${program.carillon.url}/mfpadmin/management-apis/2.0/runtimes/mfp/auditevents`;
    const headers = { authorization: basic('test', 'test'), accept: 'application/x-ndjson' };
    const lines = (await (await fetch(url, { headers })).text()).trim().split('\n');
    events = lines.slice(0, -1).map((line) => JSON.parse(line) as Event);
  });
  const find = (action: string, outcome: string) =>
    events.filter((event) => event.action === action && event.outcome === outcome);

  it.each(listed.filter(({ row, act }) => row.status < 300 && act.done !== 'lines'))('has $route', ({ act }) => {
    expect(find(act.action, 'done')[0]).toMatchObject({ clientId: 'test', address: '127.0.0.1' });
  });

  it.each(listed.filter(({ act }) => act.done !== 'lines' && act.done !== 'noted'))(
    'has the refusals of $route, with a known caller and without',
    ({ row, act }) => {
      const refused = find(act.action, 'refused');
      const known = row.admin ? 'push' : 'test';
      expect(refused).toContainEqual(
        expect.objectContaining({ clientId: known, detail: expect.objectContaining({ status: 403 }) as unknown }),
      );
      expect(refused).toContainEqual(
        expect.objectContaining({
          clientId: 'caller:unknown',
          detail: expect.objectContaining({ status: 401 }) as unknown,
        }),
      );
    },
  );
});
