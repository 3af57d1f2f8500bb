import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { basic } from '../harness/admin.js';
import { runToEnd, startCarillon } from '../harness/carillon.js';
import { freePort } from '../harness/servers.js';

/** The log of the built program in production: JSON lines, without secrets, and without a reader. */

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** Stands in every secret of this file. */
const MARK = 'hushmark';
const folder = mkdtempSync(join(tmpdir(), 'carillon-logs-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ADMIN = ['operator', `${MARK}-${randomBytes(16).toString('hex')}`] as const;
const PRODUCTION = {
  NODE_ENV: 'production',
  DATA_DIR: folder,
  MASTER_KEY: randomBytes(32).toString('base64'),
  ADMIN_CLIENT_ID: ADMIN[0],
  ADMIN_CLIENT_SECRET: ADMIN[1],
};

type Line = Record<string, unknown>;
const linesOf = (output: string): Line[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

/** The answer to a head that fetch would not send. */
async function speak(url: string, lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.end(`${lines.join('\r\n')}\r\n\r\n`);
  return text(socket);
}

it('each line is JSON with time, level and message, and each request has one', async () => {
  const carillon = await startCarillon(PRODUCTION);
  try {
    const token = await fetch(`${carillon.url}/mfp/api/az/v1/token`, {
      method: 'POST',
      headers: { authorization: basic(...ADMIN), 'x-request-id': 'job-1' },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: '*' }),
    });
    const { access_token: accessToken } = (await token.json()) as { access_token: string };
    await fetch(`${carillon.url}/imfpush/v1/apps/com.acme/devices?token=${MARK}`, {
      headers: { authorization: `Bearer ${accessToken}`, 'x-request-id': 'job-2' },
    });
    await fetch(`${carillon.url}/health/live`);
    const requests = (): Line[] => linesOf(carillon.output()).filter(({ context }) => context === 'Request');
    await expect.poll(() => requests().length).toBe(2);
    const own = { client: 'operator', ms: expect.any(Number), bytes: expect.any(Number) };
    expect(requests()).toEqual([
      expect.objectContaining({ msg: 'POST /:runtimeName/api/az/v1/token 200', requestId: 'job-1', ...own }),
      expect.objectContaining({ msg: 'GET /imfpush/v1/apps/:applicationId/devices 404', requestId: 'job-2', ...own }),
    ]);

    const long = `${'job/'.repeat(31)}2026`;
    for (const [lines, kept] of [
      [[`x-request-id: ${'x'.repeat(8_192)}`], undefined],
      [['x-request-id:'], undefined],
      [['x-request-id: one', 'x-request-id: other'], undefined],
      [['x-request-id: {"level":"error"}'], undefined],
      [['x-request-id: Ärger'], undefined],
      [[`x-request-id: ${'a1'.repeat(64)}`], undefined],
      [[`x-request-id: ${long}`], long],
    ] as const) {
      const heard = await speak(carillon.url, ['GET /nowhere HTTP/1.1', 'host: x', 'connection: close', ...lines]);
      const id = /^x-request-id: (\S+)\r$/m.exec(heard)?.[1];
      expect(id).toMatch(kept === undefined ? /^[A-Za-z0-9]{12}-[0-9a-z]+$/ : new RegExp(`^${kept}$`));
      await expect.poll(() => requests().at(-1)).toMatchObject({ requestId: id, status: 404 });
    }
    const refused = await speak(carillon.url, ['GET /nowhere HTTP/1.1', 'host: x', 'x-request-id: a\u0001b\u001b[2J']);
    expect(refused).toMatch(/^HTTP\/1\.1 400 /);

    for (const line of linesOf(carillon.output()))
      expect(line).toMatchObject({
        level: expect.any(String),
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        msg: expect.any(String),
      });
    expect(carillon.output()).not.toContain(MARK);
  } finally {
    await carillon.stop();
  }
});

describe('a server that is away does not bring its password into the log', () => {
  it.each([
    ['DATABASE_URL', `postgres://carillon:${MARK}@127.0.0.1:1/carillon`],
    ['DATABASE_URL', `postgres://carillon:a%2Fb%40${MARK}@no-such-host.invalid/carillon`],
    ['DATABASE_URL', `postgres://carillon:a/b@${MARK}#x@127.0.0.1/carillon`],
    ['QUEUE_URL', `redis://user:${MARK}@127.0.0.1:1/0`],
    ['QUEUE_URL', `redis+sentinel://user:${MARK}@127.0.0.1:1/master/0`],
    ['QUEUE_URL', `redis+cluster://user:${MARK}@127.0.0.1:1`],
  ])('%s=%s', async (name, url) => {
    const { code, output } = await runToEnd({ ...PRODUCTION, [name]: url });
    expect(code).toBe(1);
    expect(linesOf(output).at(-1)).toMatchObject({ level: 'fatal' });
    expect(output).not.toContain(MARK);
  });
});

it('a reader that stands still stops nothing', async () => {
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, ...PRODUCTION, HOST: '127.0.0.1', PORT: String(port) };
  // Nothing reads from the pipe, which holds 64 KiB.
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  const ask = async (): Promise<number> => {
    const answer = await fetch(`${url}/nowhere`, { headers: { 'x-request-id': 'x'.repeat(128) } });
    await answer.text();
    return answer.status;
  };
  await vi.waitFor(async () => expect(await ask()).toBe(404), { timeout: 60_000, interval: 100 });
  for (let n = 0; n < 20; n++)
    expect(new Set(await Promise.all(Array.from({ length: 50 }, ask)))).toEqual(new Set([404]));
  child.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
  child.stdout.destroy();
});

it('no secret of a caller, a device, a provider or a message is in a line', async () => {
  const carillon = await startCarillon({ ...PRODUCTION, LOG_LEVEL: 'debug' });
  const call = async (method: string, path: string, headers: Record<string, string>, body?: string) =>
    (await fetch(`${carillon.url}${path}`, { method, headers, body })).status;
  try {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const token = '/mfp/api/az/v1/token';
    const answer = await fetch(`${carillon.url}${token}`, {
      method: 'POST',
      headers: { authorization: basic(...ADMIN) },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: '*' }),
    });
    const { access_token: accessToken } = (await answer.json()) as { access_token: string };
    const right = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' };
    const app = '/imfpush/v1/apps/com.acme';
    expect(await call('POST', '/imfpush/v1/apps', right, '{"applicationId":"com.acme"}')).toBe(201);

    // Wrong credentials in each place where they are taken, and secrets in wrong places.
    expect(await call('POST', token, { ...form, authorization: basic('operator', MARK) }, 'grant_type=x')).toBe(400);
    expect(await call('POST', token, { ...form, authorization: basic(MARK, 'operator') }, 'grant_type=x')).toBe(400);
    for (const name of ['client_secret', 'client_assertion', 'token', 'password', 'code'])
      await call('POST', token, form, `grant_type=client_credentials&${name}=${MARK}`);
    const signIn = JSON.stringify({ clientId: MARK, clientSecret: MARK });
    await call('POST', '/console/api/session', { 'content-type': 'application/json', origin: carillon.url }, signIn);
    for (const authorization of [`Bearer ${MARK}`, `Bearer ${accessToken}${MARK}`, `Basic ${MARK}`, MARK])
      expect(await call('GET', `${app}/devices`, { authorization })).toBe(401);
    await call('GET', `${app}/devices?token=${MARK}`, { ...right, cookie: `session=${MARK}`, 'x-api-key': MARK });
    await call('GET', `${app}/devices/${MARK}`, right);
    await call('GET', `/${MARK}`, { 'x-request-id': `"${MARK}"`, traceparent: MARK });

    // Stored secrets, in right and in broken bodies.
    const settings = { fcmConf: 'projectId', wnsConf: 'packageSID', hmsConf: 'appId', webPushConf: 'subject' };
    for (const [conf, name] of Object.entries(settings)) {
      const secrets = { clientSecret: MARK, secretKey: MARK, privateKey: MARK, serviceAccount: MARK };
      await call('PUT', `${app}/settings/${conf}`, right, JSON.stringify({ [name]: 'x', ...secrets }));
      await call('PUT', `${app}/settings/${conf}`, right, `{"secret":"${MARK}`);
    }
    const upstream = { baseUrl: 'https://127.0.0.1:1', clientId: 'a', secret: MARK, mode: 'upstream' };
    await call('PUT', `${app}/settings/upstreamConf`, right, JSON.stringify(upstream));
    const hook = { name: 'crm', url: `https://127.0.0.1:1/${MARK}?key=${MARK}`, eventTypes: 'onDeviceRegister' };
    await call('POST', `${app}/webhooks`, right, JSON.stringify(hook));

    // Devices and messages that are delivered, refused by a provider, relayed in vain, and broken.
    const device = { deviceId: MARK, userId: MARK, platform: 'A', token: `sandbox:rejected:${MARK}` };
    expect(await call('POST', `${app}/devices`, right, JSON.stringify(device))).toBe(201);
    const message = JSON.stringify({ message: { alert: MARK }, settings: { gcm: { payload: { a: MARK } } } });
    expect(await call('POST', `${app}/messages`, right, message)).toBe(202);
    await call('POST', `${app}/messages`, right, `{"message":{"alert":"${MARK}`);
    await call('POST', `${app}/messages`, right, `{"message":{"alert":"${MARK}"},"target":{"userIds":["${MARK}"]}}`);
    await call('POST', `${app}/devices:import`, { ...right, 'content-type': 'application/x-ndjson' }, `{"${MARK}`);
    await expect.poll(() => linesOf(carillon.output()).length).toBeGreaterThan(25);
  } finally {
    await carillon.stop();
  }
  expect(carillon.output()).not.toContain(MARK);
  expect(carillon.output()).not.toContain(Buffer.from(MARK).toString('base64').slice(0, 8));
  expect(carillon.output()).not.toMatch(/eyJ[\w-]{10}/);
});
