import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import * as https from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { basic } from '../harness/admin.js';
import { runToEnd, startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { newFolder } from '../medium/database/places.js';
import { EMBEDDED } from './stages.js';

/** TLS of the server's own, and certificates that are replaced while it runs. */

const folder = newFolder();
const at = (name: string): string => join(folder, name);
/** Some megabytes, so that the answer is longer than what sockets keep. */
const EXPORTED = 60_000;
const WAIT = { timeout: 10_000, interval: 50 };

function make(name: string, days: number): void {
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(days)],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', at(`${name}.key`), '-out', at(`${name}.crt`)],
  ]);
}

function use(cert: string, key = cert): void {
  copyFileSync(at(`${cert}.crt`), at('server.crt'));
  copyFileSync(at(`${key}.key`), at('server.key'));
}

const serialOf = (name: string): string => new X509Certificate(readFileSync(at(`${name}.crt`))).serialNumber;

describe('TLS of its own', () => {
  let carillon: RunningCarillon;
  let clean: () => void;
  const files = { TLS_CERT_FILE: at('server.crt'), TLS_KEY_FILE: at('server.key') };

  beforeAll(async () => {
    make('first', 365);
    make('second', 5);
    use('first');
    const prepared = await EMBEDDED.prepare();
    clean = prepared.clean;
    carillon = await startCarillon({ ...prepared.environment, ...files });
  }, 90_000);
  afterAll(async () => {
    await carillon.stop();
    clean();
    rmSync(folder, { recursive: true });
  });

  /** The serial number that a new handshake shows. */
  const served = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({
        port: Number(new URL(carillon.url).port),
        host: '127.0.0.1',
        rejectUnauthorized: false,
      });
      socket.once('secureConnect', () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.once('error', reject);
    });

  const ask = (
    path: string,
    options: https.RequestOptions = {},
    body?: string,
  ): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const ca = ['first', 'second'].map((name) => readFileSync(at(`${name}.crt`)));
      const request = https.request(carillon.url + path, { ca, ...options }, (response) => {
        text(response).then((whole) => resolve({ status: response.statusCode ?? 0, text: whole }), reject);
      });
      request.on('error', reject).end(body);
    });

  const tokenFor = async (scope: string): Promise<string> => {
    const headers = { authorization: basic('test', 'test'), 'content-type': 'application/x-www-form-urlencoded' };
    const grant = `grant_type=client_credentials&scope=${scope}`;
    const token = await ask('/mfp/api/az/v1/token', { method: 'POST', headers }, grant);
    return (JSON.parse(token.text) as { access_token: string }).access_token;
  };

  const hangUp = (): void => void process.kill(carillon.pid, 'SIGHUP');

  it('answers https, and plain http not at all', async () => {
    expect(carillon.url).toMatch(/^https:/);
    expect(await ask('/health/live')).toMatchObject({ status: 200 });
    expect(await served()).toBe(serialOf('first'));
    await expect(fetch(carillon.url.replace('https:', 'http:'))).rejects.toThrow('fetch failed');
  });

  it('takes a new pair at SIGHUP; open connections go on, and its end is a problem of the system', async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    let sockets = 0;
    const live = () => ask('/health/live', { agent }).then(({ status }) => status);
    agent.on('free', () => undefined);
    const create = agent.createConnection.bind(agent);
    agent.createConnection = (...args) => {
      sockets++;
      return create(...args);
    };
    expect(await live()).toBe(200);
    use('second');
    hangUp();
    await vi.waitFor(async () => expect(await served()).toBe(serialOf('second')), WAIT);
    expect(await live()).toBe(200);
    expect(sockets).toBe(1);
    agent.destroy();
    expect(carillon.output()).toContain('The certificate of this server ends on ');
    const bearer = await tokenFor('mfpmonitor');
    const system = await ask('/imfpush/v1/system', { headers: { authorization: `Bearer ${bearer}` } });
    expect(system.text).toContain('"certificateEnds"');
  });

  it('an export that is under way at SIGHUP goes on to its trailer', async () => {
    const authorization = `Bearer ${await tokenFor('*')}`;
    const app = '/imfpush/v1/apps/com.example.app';
    const lines = Array.from({ length: EXPORTED }, (_, n) =>
      JSON.stringify({ deviceId: `exported-${n}`, platform: 'A', token: `sandbox:accepted:${n}` }),
    );
    const headers = { authorization, 'content-type': 'application/x-ndjson' };
    expect(await ask(`${app}/devices:import`, { method: 'POST', headers }, lines.join('\n'))).toMatchObject({
      status: 200,
    });
    const exported = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { headers: { authorization }, rejectUnauthorized: false };
      https.get(`${carillon.url}${app}/devices:export`, options, resolve).on('error', reject);
    });
    const isOver = (): boolean => carillon.output().includes('devices::export 200');
    use('first');
    hangUp();
    await vi.waitFor(async () => expect(await served()).toBe(serialOf('first')), WAIT);
    expect(isOver()).toBe(false);
    const last = (await text(exported)).trim().split('\n').at(-1)!;
    const { trailer } = JSON.parse(last) as { trailer: { count: number } };
    expect(trailer.count).toBeGreaterThanOrEqual(EXPORTED);
    await vi.waitFor(() => expect(isOver()).toBe(true), WAIT);
    use('second');
    hangUp();
    await vi.waitFor(async () => expect(await served()).toBe(serialOf('second')), WAIT);
  });

  it.each<[string, () => void]>([
    ['a key that does not fit', () => use('first', 'second')],
    ['a missing file', () => rmSync(at('server.key'))],
    ['text', () => writeFileSync(at('server.crt'), 'no certificate')],
  ])('keeps the pair before, and lives, with %s', async (_name, change) => {
    change();
    const lines = (): number => carillon.output().split('the certificate before is kept').length;
    const before = lines();
    hangUp();
    await vi.waitFor(() => expect(lines()).toBe(before + 1), WAIT);
    expect(await served()).toBe(serialOf('second'));
    use('second');
  });

  it.each([
    ['one of the two', { TLS_KEY_FILE: '' }, 'TLS_CERT_FILE and TLS_KEY_FILE belong together'],
    ['a file that is not there', { TLS_KEY_FILE: at('none') }, 'cannot be used (ENOENT)'],
    [
      'a key that does not fit',
      { TLS_KEY_FILE: at('first.key') },
      'cannot be used (ERR_OSSL_X509_KEY_VALUES_MISMATCH)',
    ],
  ])('a start with %s is refused', async (_name, change, reason) => {
    const { code, output } = await runToEnd({ ...files, ...change });
    expect(code).toBe(1);
    expect(output).toContain(reason);
  });
});
