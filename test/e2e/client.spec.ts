import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Carillon } from '../../src/client/client.js';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { EMBEDDED, SERVERS } from './stages.js';

/** The client against the program, behind a proxy that breaks, refuses and delays: one message for each send. */

/** Faults of a request. `after`: the server has the request, and the client gets no answer of it. */
const FAULTS = ['reset', 'after', '429', '503', '401', 'slow', 'half', 'page'] as const;
type Fault = (typeof FAULTS)[number] | 'none';
const SENDS = 160;
const TIMEOUT_MS = 400;

let carillon: RunningCarillon;
let clean: () => void;
let proxy: Server;
let count = 0;
const seen = new Map<Fault, number>();
const refused = new Set<string>(['undefined']);

/** Every second request meets a fault; those for tokens too. */
async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const fault: Fault = count++ % 2 === 0 ? 'none' : FAULTS[randomInt(FAULTS.length)]!;
  seen.set(fault, (seen.get(fault) ?? 0) + 1);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (fault === 'reset') return void response.destroy();
  if (fault === '429') return void response.writeHead(429, { 'retry-after': '0' }).end('{}');
  if (fault === '503') return void response.writeHead(503, { 'content-type': 'text/html' }).end('<html>');
  // As if the token had been revoked: the key of the message tells the request from its repeat.
  const key = String(request.headers['idempotency-key']);
  if (fault === '401' && !refused.has(key)) {
    refused.add(key);
    return void response.writeHead(401).end('{"code":"CARIL0401E","message":"No"}');
  }
  const headers = new Headers(request.headers as Record<string, string>);
  for (const name of ['connection', 'content-length', 'host']) headers.delete(name);
  const { method } = request;
  const body = chunks.length === 0 ? undefined : Buffer.concat(chunks);
  const answer = await fetch(`${carillon.url}${request.url}`, { method, headers, body });
  const text = await answer.text();
  if (fault === 'after') return void response.destroy();
  if (fault === 'page') return void response.writeHead(502, { 'content-type': 'text/html' }).end('<html>');
  if (fault === 'slow') await delay(TIMEOUT_MS + 100);
  const type = answer.headers.get('content-type') ?? '';
  response.writeHead(answer.status, { 'content-type': type });
  response.end(fault === 'half' ? text.slice(0, text.length / 2) : text);
}

beforeAll(async () => {
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  carillon = await startCarillon(prepared.environment);
  proxy = createServer((request, response) => void pass(request, response).catch(() => response.destroy()));
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
});

afterAll(async () => {
  proxy?.close();
  await carillon?.stop();
  clean?.();
});

function connect(url: string, options: { timeout?: number; retries?: number } = {}): Carillon {
  return new Carillon({ url, clientId: 'test', clientSecret: 'test', application: 'com.example.app', ...options });
}

describe('behind a proxy that breaks', () => {
  it('every send ends with the id of its one message', async () => {
    const { port } = proxy.address() as AddressInfo;
    const broken = connect(`http://127.0.0.1:${port}`, { timeout: TIMEOUT_MS, retries: 40 });
    // Waits between attempts are a hundredth.
    const jitter = vi.spyOn(Math, 'random').mockReturnValue(0.01);
    const target = { deviceIds: ['anna-phone'] };
    const sent = new Map<string, string>();
    // Some at once, and every label twice: two calls of one content are two messages.
    for (let first = 0; first < SENDS; first += 16)
      await Promise.all(
        Array.from({ length: 16 }, async (_, n) => {
          const label = `send-${Math.floor((first + n) / 2)}`;
          const { messageId } = await broken.messages.send({ message: { alert: 'Hello' }, label, target });
          sent.set(messageId, label);
        }),
      );
    jitter.mockRestore();
    expect(sent.size).toBe(SENDS);
    for (const fault of FAULTS) expect(seen.get(fault), fault).toBeGreaterThan(0);
    const direct = connect(carillon.url);
    const stored = new Map<string, string | undefined>();
    for await (const { messageId, label } of direct.messages.list({ size: 100 })) stored.set(messageId, label);
    expect(stored).toEqual(sent);
  });
});

it('sends, waits, reads every delivery, and explains one', async () => {
  const { messages, devices, request } = reach(connect(carillon.url));
  const plan = await messages.plan({ message: { alert: 'Hello' } });
  expect(plan).toMatchObject({ dryRun: true, audience: { total: 5 } });
  const { messageId } = await messages.send({ message: { alert: 'Hello' } });
  const report = await messages.waitFor(messageId);
  expect(report).toMatchObject({ state: 'finished', audience: 5, outcomes: { accepted: 5 } });
  const reached: string[] = [];
  for await (const { deviceId } of messages.deliveries(messageId, { size: 2 })) reached.push(deviceId!);
  expect(reached.toSorted()).toEqual(['anna-phone', 'anna-tablet', 'ben-browser', 'ben-phone', 'kiosk']);
  expect(await messages.why('kiosk', messageId)).toMatchObject({ outcome: 'accepted', provider: 'sandbox' });
  await expect(messages.send({ message: { alert: 'Hello' }, colour: 'red' } as never)).rejects.toMatchObject({
    name: 'InvalidRequestError',
    field: 'colour',
    requestId: expect.stringMatching(/./) as string,
  });
  await expect(devices.import('{}\n')).rejects.toMatchObject({ name: 'PermissionError', code: 'CARIL0403E' });
  await expect(request('get', '/imfpush/v1/apps/{applicationId}/providers')).rejects.toThrow('CARIL0403E');
});

it('reads every delivery with a rare outcome of a broadcast, once and in order', async () => {
  const application = 'com.example.many';
  const admin = await Api.connect(carillon.url);
  await admin.call('POST', '/apps', { applicationId: application });
  const scope = `messages.write messages.read devices.write push.application.${application}`;
  const client = new Carillon({ url: carillon.url, clientId: 'test', clientSecret: 'test', application, scope });
  const rare = [3, 1_700, 3_999].map((n) => `d-${n}`);
  const lines = Array.from({ length: 4_000 }, (_, n) => {
    const token = `sandbox:${rare.includes(`d-${n}`) ? 'rejected' : 'accepted'}:${n}`;
    return JSON.stringify({ deviceId: `d-${n}`, token, platform: 'A' });
  });
  expect(await client.devices.import(lines.join('\n'))).toMatchObject({ created: 4_000 });
  const { messageId } = await client.messages.send({ message: { alert: 'Hello' } });
  expect((await client.messages.waitFor(messageId)).outcomes).toMatchObject({ accepted: 3_997, failed: 3 });
  const read = async (query: { outcome?: 'failed'; size?: number }): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { deviceId } of client.messages.deliveries(messageId, query)) ids.push(deviceId!);
    return ids;
  };
  expect(await read({ outcome: 'failed', size: 2 })).toEqual(rare);
  const all = await read({});
  expect([all.length, new Set(all).size]).toEqual([4_000, 4_000]);
});

it('imports what it has exported', async () => {
  const { devices } = new Carillon({
    url: carillon.url,
    ...{ clientId: 'test', clientSecret: 'test', application: 'com.example.app' },
    scope: 'devices.write devices.read push.application.com.example.app',
  });
  const lines: string[] = [];
  for await (const line of devices.export()) lines.push(line);
  expect(lines).toHaveLength(5);
  const imported = await devices.import([...lines, 'no JSON'].join('\n'));
  expect(imported).toMatchObject({ created: 0, updated: 5, rejected: [{ line: 6, code: 'FPWSE0004E' }] });
});

it.skipIf(SERVERS === null)('a send that the server is still at work with ends with its id', async () => {
  const { environment } = await SERVERS!.prepare();
  const other = await startCarillon(environment);
  const database = new Client({ connectionString: environment.DATABASE_URL });
  await database.connect();
  try {
    await database.query('begin');
    await database.query('lock table message in exclusive mode');
    const patient = connect(other.url, { timeout: 300, retries: 30 });
    const sending = patient.messages.send({ message: { alert: 'Hello' } });
    await delay(2_000);
    await database.query('rollback');
    const { messageId } = await sending;
    const ids: string[] = [];
    for await (const message of connect(other.url).messages.list()) ids.push(message.messageId);
    expect(ids).toEqual([messageId]);
  } finally {
    await database.end();
    await other.stop();
  }
});

/** `request` apart from its client, as a caller may take it. */
function reach(client: Carillon): Pick<Carillon, 'messages' | 'devices' | 'request'> {
  return { messages: client.messages, devices: client.devices, request: client.request.bind(client) };
}
