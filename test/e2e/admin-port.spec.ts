import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import * as https from 'node:https';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { basic } from '../harness/admin.js';
import { runToEnd, startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { LIST_ROUTES, fillRoute, routesOf } from '../harness/routes.js';
import { freePort } from '../harness/servers.js';
import { newFolder } from '../medium/database/places.js';
import { PUBLIC_ROUTES } from '../../src/http/public-routes.js';
import { EMBEDDED } from './stages.js';

/** Administration on a port of its own, with TLS, behind a trusted proxy, beside METRICS_PORT. */

const folder = newFolder();
const at = (name: string): string => join(folder, name);
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const GRANT = 'grant_type=client_credentials&scope=*';
const NOT_FOUND = { code: 'FPWSE0001E', message: 'Not found: this path does not exist.' };
const APP = '/imfpush/v1/apps/com.example.app';

function make(name: string): void {
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '365'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-keyout', at(`${name}.key`), '-out', at(`${name}.crt`)],
  ]);
}

function use(name: string): void {
  for (const end of ['crt', 'key']) copyFileSync(at(`${name}.${end}`), at(`server.${end}`));
}

const request = (url: string, options: https.RequestOptions = {}): ClientRequest =>
  https.request(url, { rejectUnauthorized: false, agent: false, ...options });

async function answerOf(call: ClientRequest): Promise<{ status: number; text: string }> {
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, text: await text(response) };
}

function ask(url: string, options: https.RequestOptions = {}, body?: string): ReturnType<typeof answerOf> {
  const call = request(url, options);
  call.end(body);
  return answerOf(call);
}

function serialAt(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    }).on('error', reject);
  });
}

describe('ADMIN_PORT', () => {
  let carillon: RunningCarillon;
  let clean: () => void;
  let [first, second, metrics, bearer] = ['', '', '', ''];
  beforeAll(async () => {
    make('old');
    make('new');
    use('old');
    const prepared = await EMBEDDED.prepare();
    clean = prepared.clean;
    const [adminPort, metricsPort] = [await freePort(), await freePort()];
    const settings = { ADMIN_PORT: String(adminPort), METRICS_PORT: String(metricsPort), TRUST_PROXY: '127.0.0.1' };
    const tls = { TLS_CERT_FILE: at('server.crt'), TLS_KEY_FILE: at('server.key') };
    const environment = { ...prepared.environment, ...settings, ...tls, PUBLIC_URL: 'https://push.example.com' };
    carillon = await startCarillon(environment, LIST_ROUTES);
    first = carillon.url;
    second = `https://127.0.0.1:${adminPort}`;
    metrics = `http://127.0.0.1:${metricsPort}/metrics`;
    const headers = { ...FORM, authorization: basic('test', 'test') };
    const token = await ask(`${first}/mfp/api/az/v1/token`, { method: 'POST', headers }, GRANT);
    bearer = `Bearer ${(JSON.parse(token.text) as { access_token: string }).access_token}`;
  }, 90_000);
  afterAll(async () => {
    await carillon.stop();
    clean();
    rmSync(folder, { recursive: true });
  });

  it('serves every route; PORT answers 404 on the routes that are not public', async () => {
    const parameters = { applicationId: 'com.example.app', runtimeName: 'mfp' };
    const routes = [...routesOf(carillon), 'GET /', 'GET /console', 'GET /doc/', 'POST /console/api/session'];
    expect(routes.length).toBeGreaterThan(100);
    for (const route of routes) {
      const [method = '', pattern = ''] = route.split(' ');
      const path = fillRoute(pattern, parameters);
      // Without a token, so that nothing is changed.
      const headers = { accept: 'text/html, application/json' };
      const [answer, own] = [
        await ask(first + path, { method, headers }),
        await ask(second + path, { method, headers }),
      ];
      const isPublic = PUBLIC_ROUTES[pattern.replaceAll(/\/:(\w+)/g, '/{$1}')]?.includes(method) ?? false;
      const hidden = answer.status === 404 && answer.text === JSON.stringify(NOT_FOUND);
      expect([route, hidden]).toEqual([route, !isPublic]);
      expect([route, own.text]).not.toEqual([route, JSON.stringify(NOT_FOUND)]);
    }
  }, 60_000);

  it.each(['HEAD', 'OPTIONS', 'PATCH', 'POST'])('%s of a hidden path is 404 on PORT', async (method) => {
    expect((await ask(`${first}/imfpush/v1/system`, { method })).status).toBe(404);
    expect((await ask(`${second}/imfpush/v1/system`, { method })).status).not.toBe(404);
  });

  it('a header cannot choose the port, and a token is good on both', async () => {
    const headers = { authorization: bearer, host: new URL(second).host, 'x-forwarded-host': new URL(second).host };
    expect((await ask(`${first}/imfpush/v1/system`, { headers })).status).toBe(404);
    expect((await ask(`${second}/imfpush/v1/system`, { headers })).status).toBe(200);
    expect((await ask(`${first}${APP}/tags`, { headers })).status).toBe(200);
  });

  it('health is on both; the metrics stay on METRICS_PORT', async () => {
    for (const url of [first, second]) expect((await ask(`${url}/health/ready`)).status).toBe(200);
    expect((await fetch(metrics)).status).toBe(200);
    expect((await ask(`${first}/metrics`, { headers: { authorization: bearer } })).status).toBe(404);
  });

  it('knows the caller behind a trusted proxy', async () => {
    const headers = { authorization: bearer, 'x-forwarded-for': '203.0.113.7' };
    const audit = `${second}/mfpadmin/management-apis/2.0/runtimes/mfp/auditevents`;
    await ask(audit, { headers });
    expect((await ask(audit, { headers })).text).toContain('203.0.113.7');
  });

  it('takes a new certificate at SIGHUP on both ports', async () => {
    use('new');
    process.kill(carillon.pid, 'SIGHUP');
    const { serialNumber } = new X509Certificate(readFileSync(at('new.crt')));
    await vi.waitFor(
      async () => expect([await serialAt(first), await serialAt(second)]).toEqual([serialNumber, serialNumber]),
      { timeout: 10_000, interval: 50 },
    );
  });

  it('answers the request under way at a stop, and takes no further connection', async () => {
    const headers = { authorization: bearer, 'content-type': 'application/x-ndjson', expect: '100-continue' };
    const upload = request(`${second}${APP}/devices:import`, { method: 'POST', headers });
    const answer = answerOf(upload);
    upload.flushHeaders();
    await once(upload, 'continue');
    upload.write('{"deviceId":"late1","platform":"A","token":"sandbox:accepted:late1"}\n');
    const stopped = carillon.stop();
    await vi.waitFor(() => expect(ask(`${second}/health/live`)).rejects.toThrow('ECONNREFUSED'), { timeout: 10_000 });
    upload.end('{"deviceId":"late2","platform":"A","token":"sandbox:accepted:late2"}\n');
    expect(await answer).toMatchObject({ status: 200, text: expect.stringContaining('"created":2') as string });
    expect((await stopped).code).toBe(0);
  }, 60_000);
});

it.each([
  ['PORT itself', { PORT: '9080', ADMIN_PORT: '9080' }, 'ADMIN_PORT must be another port than PORT'],
  ['no number', { ADMIN_PORT: 'x' }, 'ADMIN_PORT must be a whole number from 0 to 65535'],
])('a start with %s is refused', async (_name, settings, reason) => {
  const { code, output } = await runToEnd(settings);
  expect(code).toBe(1);
  expect(output).toContain(reason);
});
