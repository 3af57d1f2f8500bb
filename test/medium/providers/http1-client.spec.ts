import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { Http1Client } from '../../../src/providers/shared/http1-client.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server that answers on command. */
async function startServer(): Promise<{ url: string; waiting: ServerResponse[]; seen: string[] }> {
  const waiting: ServerResponse[] = [];
  const seen: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    seen.push(request.url ?? '');
    request.resume();
    waiting.push(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, waiting, seen };
}

it('on abort, refuses a request that waits for a connection and keeps a written one', async () => {
  const { url, waiting, seen } = await startServer();
  const client = new Http1Client({ tunnel: undefined, maxConnections: 1 });
  closing.push(() => client.close());
  const caller = new AbortController();
  const post = (path: string, signal = caller.signal) => client.post(url + path, {}, Buffer.from('{}'), signal);
  const written = post('/written');
  await expect.poll(() => seen).toEqual(['/written']);
  const queued = [post('/queued-1'), post('/queued-2')];
  const other = post('/other', new AbortController().signal);
  caller.abort();
  // The written request is unanswered all the while.
  for (const result of await Promise.all(queued)) expect(result.kind).toBe('refused');
  expect((await post('/late')).kind).toBe('refused');
  waiting.shift()?.end('{}');
  expect((await written).kind).toBe('answered');
  await expect.poll(() => seen).toEqual(['/written', '/other']);
  waiting.shift()?.end('{}');
  expect((await other).kind).toBe('answered');
});
