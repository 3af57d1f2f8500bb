import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Resolve } from '../../../src/common/public-address.js';
import { FcmProvider } from '../../../src/providers/fcm/fcm.provider.js';
import type { Sender } from '../../../src/providers/provider.js';
import { UpstreamProvider } from '../../../src/providers/upstream/upstream.provider.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import { createServiceAccount } from '../../simulators/credentials.js';
import { collect, notification, recipients } from './sending.js';

/** Addresses from callers, in production, whose names resolve to this machine: nothing may connect to it. */
let canary: Server;
let port: number;
let connections = 0;
const resolve: Resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);

beforeAll(async () => {
  canary = createServer((_request, response) => response.end('SSH-2.0-OpenSSH_9.2')).on(
    'connection',
    () => connections++,
  );
  await new Promise<void>((listening) => canary.listen(0, '127.0.0.1', listening));
  ({ port } = canary.address() as AddressInfo);
});
beforeEach(() => {
  connections = 0;
});
afterAll(() => void canary.close());

async function reasonOf(sender: Sender): Promise<string> {
  const message = { ...notification(), relay: { message: { alert: 'x' } } };
  const [verdict] = await collect(sender, recipients(1), { message });
  await sender.close();
  return JSON.stringify(verdict);
}

it('token_uri does not connect there, even if its host is listed', async () => {
  const tokenHosts = [`sts.example:${port}`];
  const fcm = new FcmProvider({ url: 'https://127.0.0.1:1', tokenHosts, production: true }, resolve);
  const account = createServiceAccount('example-project', `https://sts.example:${port}/token`).file;
  const sender = fcm.open(fcm.parseSettings({ ...account }), new MemoryShelf());
  expect(await reasonOf(sender)).toMatch(/retryBackoff.*token endpoint: it is not at a public address/);
  expect(connections).toBe(0);
});

it('upstreamConf.baseUrl does not connect there, unless its host is listed', async () => {
  const open = (hosts: string[], scheme: string): Sender => {
    const upstream = new UpstreamProvider({ hosts, production: true }, resolve);
    const input = { baseUrl: `${scheme}://mf.example:${port}/mfp`, clientId: 'relay', secret: 'x' };
    return upstream.open(upstream.parseSettings(input), new MemoryShelf(), 'com.example.app');
  };
  expect(await reasonOf(open([], 'https'))).toMatch(/token endpoint: it is not at a public address/);
  expect(connections).toBe(0);
  // An answer that is not of OAuth is not repeated.
  expect(await reasonOf(open([`mf.example:${port}`], 'http'))).not.toContain('SSH');
  expect(connections).toBeGreaterThan(0);
});
