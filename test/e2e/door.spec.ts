import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { basic } from '../harness/admin.js';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import { runProgram } from '../harness/program.js';
import { LIST_ROUTES, fillRoute, routesOf } from '../harness/routes.js';
import { freePort, takesConnections } from '../harness/servers.js';
import { EMBEDDED, STAGES } from './stages.js';

/** Checks before a request is processed: bodies, encodings, methods, and the end of connections. */

const APP = '/imfpush/v1/apps/com.example.app';
const MESSAGES = `${APP}/messages`;
const IMPORT = `${APP}/devices:import`;
const JSON_TYPE = 'application/json';
const MIB = 1_048_576;
const MESSAGE = '{"message":{"alert":"a"}}';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A connection that sends the given text and keeps the received one. */
async function speak(
  url: string,
  text: string,
): Promise<{ socket: Socket; heard: () => string; closed: Promise<void> }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  await once(socket, 'connect');
  socket.write(text);
  return { socket, heard: () => heard, closed };
}
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}
const head = (path: string, length: number, more: readonly string[] = []): string =>
  [`POST ${path} HTTP/1.1`, 'host: x', `content-type: ${JSON_TYPE}`, `content-length: ${length}`, ...more, '', ''].join(
    '\r\n',
  );

describe('before a request is processed', () => {
  const program = runProgram(EMBEDDED, {
    environment: () => ({ HTTP_REQUEST_TIMEOUT: '2', HTTP_HEADERS_TIMEOUT: '2' }),
    flags: LIST_ROUTES,
  });
  const url = (): string => program.carillon.url;

  it('answers 150 callers without a token before they have sent their bodies, and holds no connection', async () => {
    const start = head(MESSAGES, MIB) + '{"x":"' + 'y'.repeat(300_000);
    const callers = await Promise.all(Array.from({ length: 150 }, () => speak(url(), start)));
    await until(() => callers.every(({ heard }) => heard().startsWith('HTTP/1.1 401')));
    await Promise.all(callers.map(({ closed }) => closed));
  });

  it('keeps the connections of callers whose refused bodies end in time', async () => {
    const body = `{"x":"${'y'.repeat(100_000)}"}`;
    const callers = await Promise.all(
      Array.from({ length: 4 }, () => speak(url(), head(MESSAGES, body.length) + body)),
    );
    await until(() => callers.every(({ heard }) => heard().startsWith('HTTP/1.1 401')));
    for (const { socket } of callers) socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
    await until(() => callers.every(({ heard }) => heard().includes('HTTP/1.1 200')));
    for (const { socket } of callers) socket.destroy();
  });

  it.each([
    ['a wrong token', MESSAGES, 'authorization: Bearer x', 401],
    [
      'a wrong secret',
      '/mfpadmin/management-apis/2.0/runtimes/mfp/confidentialclients',
      `authorization: ${basic('test', 'no')}`,
      401,
    ],
    ['an import without a token', IMPORT, 'x: y', 401],
    ['an unknown path', '/imfpush/v1/nothing', 'x: y', 404],
  ])('answers %s before a body is sent', async (_what, path, line, status) => {
    const { heard } = await speak(url(), head(path, MIB, [line]));
    await until(() => heard().startsWith(`HTTP/1.1 ${status}`));
  });

  it('a caller that waits for permission to send its body gets it with a token, and the refusal without one', async () => {
    const expecting = ['expect: 100-continue'];
    const refused = await speak(url(), head(MESSAGES, MESSAGE.length, expecting));
    await until(() => refused.heard() !== '');
    expect(refused.heard()).toMatch(/^HTTP\/1\.1 401/);
    const welcome = await speak(
      url(),
      head(MESSAGES, MESSAGE.length, [...expecting, `authorization: ${program.api.authorization}`]),
    );
    await until(() => welcome.heard() !== '');
    expect(welcome.heard()).toMatch(/^HTTP\/1\.1 100 Continue\r\n/);
    welcome.socket.write(MESSAGE);
    await until(() => welcome.heard().includes('HTTP/1.1 202'));
  });

  it('answers a body of too many values before the rest is sent, and keeps the connection when the rest arrives', async () => {
    const { authorization } = program.api;
    const body = `[${Array.from({ length: 900 }, () => `{"x":{${'"k":1,'.repeat(400)}"k":1}}`).join()}]`;
    const half = body.length / 2;
    const lines = [`authorization: ${authorization}`];
    const { socket, heard } = await speak(url(), head(`${MESSAGES}/bulk`, body.length, lines) + body.slice(0, half));
    await until(() => heard() !== '');
    expect(heard()).toMatch(/^HTTP\/1\.1 400 [^]*The body has more than 60000 values\./);
    socket.write(`${body.slice(half)}GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n`);
    await until(() => heard().includes('HTTP/1.1 200'));
  });

  it('answers 408 to a body that does not come in time, and to a head', async () => {
    const body = await speak(url(), head(MESSAGES, 1_000, [`authorization: ${program.api.authorization}`]) + '{');
    const slow = await speak(url(), 'GET /health/live HTTP/1.1\r\nhost: x\r\nx-slow: ');
    await until(() => body.heard() !== '' && slow.heard() !== '');
    for (const { heard } of [body, slow]) expect(heard()).toMatch(/^HTTP\/1\.1 408 [^]*"code":"CARIL0408E"/);
    await body.closed;
    await slow.closed;
  });

  it('an import that continues may last longer than a request, and one that stops is answered 408', async () => {
    const line = (id: number): string => `{"deviceId":"d${id}","platform":"G","token":"sandbox:${id}"}\n`;
    const start = [
      'POST',
      IMPORT,
      'HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n',
    ].join(' ');
    const { socket, heard } = await speak(url(), `${start}authorization: ${program.api.authorization}\r\n\r\n`);
    const began = Date.now();
    for (let id = 0; Date.now() - began < 3_000; id++) {
      socket.write(`${line(id).length.toString(16)}\r\n${line(id)}\r\n`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(heard()).toBe('');
    await until(() => heard() !== '');
    expect(heard()).toMatch(/^HTTP\/1\.1 408/);
  });

  const coded = (coding: string, body: Buffer, path = MESSAGES, type = JSON_TYPE): Promise<Response> =>
    fetch(url() + path, {
      method: 'POST',
      headers: { authorization: program.api.authorization, 'content-type': type, 'content-encoding': coding },
      body: new Uint8Array(body),
    });

  it.each([
    ['gzip', gzipSync(MESSAGE)],
    ['x-gzip', gzipSync(MESSAGE)],
    ['br', brotliCompressSync(MESSAGE)],
    ['identity', Buffer.from(MESSAGE)],
  ])('reads a message in %s', async (coding, body) => {
    expect((await coded(coding, body)).status).toBe(202);
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(256 * MIB, 0x20))],
    ['br', brotliCompressSync(Buffer.alloc(64 * MIB, 0x20))],
  ])('refuses more than a mebibyte in %s, however small it was before', async (coding, body) => {
    const answer = await coded(coding, body);
    expect([answer.status, await answer.json()]).toMatchObject([413, { code: 'CARIL0413E' }]);
  });

  it.each([
    ['deflate', deflateSync(MESSAGE)],
    ['gzip, br', gzipSync(MESSAGE)],
    ['zstd', Buffer.from(MESSAGE)],
  ])('refuses a message in %s with 415 and names the accepted encodings', async (coding, body) => {
    const answer = await coded(coding, body);
    expect([answer.status, answer.headers.get('accept-encoding')]).toEqual([415, 'gzip, br']);
  });

  it.each([
    ['that is not compressed', 'gzip', Buffer.from(MESSAGE)],
    ['that is cut off', 'gzip', gzipSync(MESSAGE).subarray(0, 20)],
    ['that is not compressed', 'br', Buffer.from(MESSAGE)],
  ])('refuses a body %s in %s', async (_what, coding, body) => {
    expect(await (await coded(coding, body)).json()).toMatchObject({ code: 'FPWSE0004E' });
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('reads an import in %s line by line, each line within its limit', async (coding, compress) => {
    const lines = Array.from(
      { length: 2_000 },
      (_, n) => `{"deviceId":"${coding}${n}","platform":"G","token":"sandbox:${coding}${n}"}\n`,
    );
    const body = compress(Buffer.concat([Buffer.from(lines.join('')), Buffer.alloc(32 * MIB, 0x78)]));
    const answer = await coded(coding, body, IMPORT, 'application/x-ndjson');
    expect(answer.status).toBe(207);
    expect(JSON.parse((await answer.text()).split('\n')[0] ?? '')).toMatchObject({ lines: 2_001, created: 2_000 });
  });

  it('answers another method with 405 and the allowed ones, on every route', async () => {
    const routes = routesOf(program.carillon);
    const addresses = new Set(routes.map((route) => route.split(' ')[1] ?? ''));
    expect(addresses.size).toBeGreaterThan(40);
    for (const address of addresses) {
      const own = routes.filter((route) => route.endsWith(` ${address}`)).map((route) => route.split(' ')[0]);
      const options = await fetch(
        url() + fillRoute(address, { runtimeName: 'mfp', applicationId: 'com.example.app' }),
        {
          method: 'OPTIONS',
        },
      );
      const allow = options.headers.get('allow')?.split(', ') ?? [];
      expect([address, options.status, own.filter((method) => !allow.includes(method ?? ''))]).toEqual([
        address,
        204,
        [],
      ]);
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((each) => !allow.includes(each))) {
        const answer = await fetch(
          url() + fillRoute(address, { runtimeName: 'mfp', applicationId: 'com.example.app' }),
          {
            method,
          },
        );
        expect([address, method, answer.status, answer.headers.get('allow')]).toEqual([
          address,
          method,
          405,
          allow.join(', '),
        ]);
      }
    }
  });

  it.each<[string, string, number, string]>([
    ['a head of 20 KB', `GET /health/live HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'CARIL0431E'],
    ['an invalid request line', 'nonsense\r\n\r\n', 400, 'FPWSE0004E'],
    ['an unknown method', 'FOO / HTTP/1.1\r\nhost: x\r\n\r\n', 405, 'CARIL0405E'],
    [
      'a method of newer clients',
      `QUERY ${APP}/devices HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      405,
      'CARIL0405E',
    ],
    ['PROPFIND', `PROPFIND ${APP}/devices HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`, 405, 'CARIL0405E'],
    ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n', 405, 'CARIL0405E'],
    ['no Host', 'GET /health/live HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'FPWSE0004E'],
    ['a TLS handshake', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03', 400, 'FPWSE0004E'],
    ['a line of the PROXY protocol', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n', 400, 'FPWSE0004E'],
    [
      'a transfer coding besides chunked',
      `POST ${APP}/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      501,
      'CARIL0501E',
    ],
    ['unencoded bytes in an address', `GET ${APP}/devices/ren\u00e9 HTTP/1.1\r\nhost: x\r\n\r\n`, 400, 'FPWSE0004E'],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400, 'FPWSE0004E'],
    [
      'an address that is not a URL',
      'GET /imfpush/v1/%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      400,
      'FPWSE0004E',
    ],
  ])('answers %s in the form of all errors', async (_what, text, status, code) => {
    const { heard, closed } = await speak(url(), text);
    await closed;
    const [start = '', body = ''] = heard().split('\r\n\r\n');
    expect(start).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(start.toLowerCase()).toContain('content-type: application/json; charset=utf-8');
    expect(JSON.parse(body)).toEqual({ code, message: expect.any(String) });
  });

  it.each([
    '/health/live',
    '/imfpush/v1/swagger.json',
    '/doc/',
    '/imfpush/v1/nothing',
    '/mfp/api/az/v1/token',
    `${APP}/devices`,
  ])('answers on %s what a browser may do with it', async (path) => {
    const { headers } = await fetch(url() + path);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringMatching(/default-src 'none'.*frame-ancestors 'none'/),
    });
  });

  it('keeps answers with tokens or devices out of caches', async () => {
    for (const path of ['/devices', '/subscriptions', '/messages', '/settings/fcmConf', '/devices:export', '/nothing'])
      expect((await program.api.raw('GET', path, undefined, {})).headers.get('cache-control')).toBe('no-store');
    expect((await fetch(`${url()}/mfp/api/az/v1/jwks`)).headers.get('cache-control')).toBe('public, max-age=60');
  });

  it('gives links without a host', async () => {
    const { body } = await program.api.call<{ pageInfo: { next: string } }>(
      'GET',
      '/apps/com.example.app/devices?size=1',
      undefined,
      { 'x-forwarded-host': 'elsewhere' },
    );
    expect(body.pageInfo.next).toMatch(/^\/imfpush\/v1\/apps\//);
  });
});

describe.each(STAGES)('a stop on $name', (stage) => {
  const start = async (environment: Record<string, string> = {}) => {
    const prepared = await stage.prepare();
    return startCarillon({ ...prepared.environment, ...environment });
  };

  it.each(stage === EMBEDDED ? (['SIGTERM', 'SIGQUIT', 'SIGUSR2'] as const) : (['SIGTERM'] as const))(
    'by %s closes silent connections and ends with 0; an earlier SIGUSR1 opens no inspector',
    async (signal) => {
      const carillon = await start();
      process.kill(carillon.pid, 'SIGUSR1');
      const silent = await Promise.all(['', '', 'GET /hea'].map((text) => speak(carillon.url, text)));
      process.kill(carillon.pid, signal);
      await Promise.all(silent.map(({ closed }) => closed));
      expect(await carillon.exited).toBe(0);
      expect(carillon.output()).not.toContain('Debugger');
    },
  );

  it.runIf(stage === EMBEDDED)('SIGHUP ends it with its terminal, and does nothing where there is none', async () => {
    const carillon = await start();
    process.kill(carillon.pid, 'SIGHUP');
    await expect.poll(() => carillon.output()).toContain('SIGHUP: without TLS_CERT_FILE nothing is read again');
    expect((await fetch(`${carillon.url}/health/live`)).status).toBe(200);
    expect((await carillon.stop()).code).toBe(0);

    const { environment } = await stage.prepare();
    const port = await freePort();
    const { PATH, HOME } = process.env;
    const terminal = spawn('script', ['-qec', `${process.execPath} dist/main.js`, '/dev/null'], {
      env: { PATH, HOME, ...environment, PORT: String(port) },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const isReached = (): Promise<boolean> => takesConnections(port);
    await expect.poll(isReached, { timeout: 60_000 }).toBe(true);
    terminal.kill('SIGKILL');
    await expect.poll(isReached, { timeout: 30_000 }).toBe(false);
  });

  it('answers a request whose body comes after the signal, and closes its connection', async () => {
    const carillon = await start();
    const { authorization } = await Api.connect(carillon.url);
    const { socket, heard, closed } = await speak(
      carillon.url,
      head(MESSAGES, MESSAGE.length, [`authorization: ${authorization}`]),
    );
    const silent = await speak(carillon.url, '');
    // The request is open while a later one is answered.
    await fetch(`${carillon.url}/health/live`);
    process.kill(carillon.pid, 'SIGTERM');
    await silent.closed;
    socket.write(MESSAGE);
    await closed;
    expect(heard()).toMatch(/^HTTP\/1\.1 202 [^]*\r\nconnection: close\r\n/i);
    expect(await carillon.exited).toBe(0);
  });

  it('is not ready during SHUTDOWN_DELAY and still accepts requests', async () => {
    const carillon = await start({ SHUTDOWN_DELAY: '2' });
    process.kill(carillon.pid, 'SIGTERM');
    const ready = async (): Promise<number> => (await fetch(`${carillon.url}/health/ready`)).status;
    while ((await ready()) === 200);
    expect((await fetch(`${carillon.url}/health/live`)).status).toBe(200);
    expect(await carillon.exited).toBe(0);
  });
});

it('DOCS=off serves neither the document nor the page', async () => {
  const { environment, clean } = await EMBEDDED.prepare();
  const carillon = await startCarillon({ ...environment, DOCS: 'off' });
  for (const path of ['/doc', '/doc/', '/imfpush/v1/swagger.json', '/doc/swagger-ui-init.js'])
    expect([path, (await fetch(carillon.url + path)).status]).toEqual([path, 404]);
  await carillon.stop();
  clean();
});
