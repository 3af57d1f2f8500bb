import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Clock } from '../../../src/common/clock.js';
import { WebhookClient } from '../../../src/webhooks/webhook-client.js';

/** Deliveries, tests and replays post by one client: its guard of addresses. */

const EVENT = { id: 'evt_1', body: '{"type":"message.finished"}' };
const SECRETS = [`whsec_${Buffer.alloc(32, 7).toString('base64')}`];

let asked: string[] = [];
const inner = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  const [, status = ''] = /^\/(\d+)$/.exec(request.url ?? '') ?? [];
  if (status !== '') response.writeHead(Number(status), { location: `http://${request.headers.host}/secret` });
  response.end('instance-id: i-1234');
});
const [guarded, open] = [false, true].map(
  (allowPrivate) => new WebhookClient({ webhooks: { allowPrivate } }, new Clock()),
) as [WebhookClient, WebhookClient];
let port: number;

beforeAll(async () => {
  await new Promise<void>((resolve) => inner.listen(0, '::', resolve));
  ({ port } = inner.address() as AddressInfo);
});
afterAll(async () => {
  await Promise.all([guarded.onApplicationShutdown(), open.onApplicationShutdown()]);
  inner.closeAllConnections();
  inner.close();
});

it.each([
  'http://127.0.0.1',
  'https://127.0.0.1',
  'https://[::1]',
  'https://[::ffff:127.0.0.1]',
  'https://2130706433',
  'https://localhost',
  'https://user@127.0.0.1',
  'https://169.254.169.254',
])('%s is not connected to', async (origin) => {
  asked = [];
  const refusal = await guarded.post(`${origin}:${port}/`, SECRETS, EVENT);
  expect(refusal?.reason).toMatch(/public address|https|user or password/);
  expect(asked).toEqual([]);
});

it.each([301, 302, 303, 307, 308])('a redirect with %i is a failure, and is not followed', async (status) => {
  asked = [];
  const refusal = await open.post(`http://127.0.0.1:${port}/${status}`, SECRETS, EVENT);
  expect(refusal).toMatchObject({ reason: `answered ${status}` });
  expect(JSON.stringify(refusal)).not.toContain('i-1234');
  expect(asked).toEqual([`POST /${status}`]);
});
