import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Clock } from '../../../src/common/clock.js';
import { WebhookClient } from '../../../src/webhooks/webhook-client.js';

const EVENTS = 500;
const AT_ONCE = 20;
const LARGE = 'x'.repeat(200_000);

const client = new WebhookClient({ webhooks: { allowPrivate: true } }, new Clock());
const tries = new Map<string, number>();
let [open, mostOpen] = [0, 0];
/** First 503 with a large body; then 200, and each third 200 breaks off in its body. */
const server: Server = createServer((request, response) => {
  const id = String(request.headers['webhook-id']);
  const count = (tries.get(id) ?? 0) + 1;
  tries.set(id, count);
  request.resume().on('end', () => {
    if (count === 1) response.writeHead(503).end(LARGE);
    else if (count > 2 || Number(id) % 3 > 0) response.writeHead(200).end(LARGE);
    else
      response
        .writeHead(200, { 'content-length': LARGE.length })
        .write(LARGE.slice(0, 1_000), () => response.destroy());
  });
});

beforeAll(async () => {
  server.on('connection', (socket) => {
    mostOpen = Math.max(mostOpen, ++open);
    socket.on('close', () => open--);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await client.onApplicationShutdown();
  server.close();
});

it('answers of 200 kB and answers that break off hold no socket, and end no process', async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const waiting = Array.from({ length: EVENTS }, (_, id) => String(id));
  const postNext = async (): Promise<void> => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop())
      while (await client.post(url, ['hush'], { id, body: '{}' }));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, postNext));
  expect(tries.size).toBe(EVENTS);
  expect(Math.min(...tries.values())).toBe(2);
  expect(Math.max(...tries.values())).toBeLessThanOrEqual(3);
  expect(mostOpen).toBeLessThanOrEqual(2 * AT_ONCE);
});
