import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startSimulators } from '../../simulators/client.js';
import type { ReadyLine } from '../../simulators/main.js';
import { connect, send, signAssertion, signProviderToken } from './h2-client.js';

const MAIN = fileURLToPath(new URL('../../simulators/main.ts', import.meta.url));

function spawnMain(...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  return { child, lines, exit: once(child, 'exit') };
}

describe('the simulators as a process', () => {
  it.each(['SIGTERM', 'SIGINT', 'stdin'] as const)(
    'print one line when ready and leave nothing behind on %s',
    async (how) => {
      const { child, lines, exit } = spawnMain('--json', '--exit-with-stdin');
      await once(createInterface(child.stderr), 'line');
      await once(child.stdout, 'data');
      const ready = JSON.parse(lines[0] ?? '') as ReadyLine;
      expect(readFileSync(String(ready.ca), 'utf8')).toContain('BEGIN CERTIFICATE');
      expect(readFileSync(ready.files.apnsKey, 'utf8')).toBe(ready.credentials.apns.key);
      expect(JSON.parse(readFileSync(ready.files.serviceAccount, 'utf8'))).toEqual(ready.credentials.fcm);
      // A connected client does not keep it alive.
      const session = await connect(ready.apns.url, readFileSync(String(ready.ca), 'utf8'));
      if (how === 'stdin') child.stdin.end();
      else child.kill(how);
      expect(await exit).toEqual([0, null]);
      expect(lines).toHaveLength(1);
      expect(existsSync(String(ready.ca))).toBe(false);
      session.destroy();
    },
  );

  it('use the given ports, and report a port in use', async () => {
    const first = await startSimulators();
    const port = Number(new URL(first.apns.url).port);
    await expect(startSimulators({ apnsPort: port })).rejects.toThrow('EADDRINUSE');
    await first.stop();
    const second = await startSimulators({ apnsPort: port });
    expect(second.apns.url).toBe(`https://localhost:${port}`);
    await second.stop();
  });

  it('speak HTTP/2 with prior knowledge, and FCM also HTTP/1.1, on plain ports', async () => {
    const simulators = await startSimulators({ plain: true });
    const apns = await connect(simulators.apns.url, '');
    const authorization = `bearer ${await signProviderToken(simulators.credentials.apns)}`;
    const headers = { ':path': '/3/device/ab', authorization, 'apns-topic': 'com.example.app' };
    expect((await send(apns, headers, '{"aps":{}}')).status).toBe(200);
    apns.destroy();
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: await signAssertion(simulators.credentials.fcm),
    });
    const overHttp1 = await fetch(simulators.fcm.tokenUri, { method: 'POST', body });
    const { access_token: token } = (await overHttp1.json()) as { access_token: string };
    const fcm = await connect(simulators.fcm.url, '');
    const path = '/v1/projects/example-project/messages:send';
    const sent = await send(fcm, { ':path': path, authorization: `Bearer ${token}` }, '{"message":{"token":"t"}}');
    expect(sent.status).toBe(200);
    fcm.destroy();
    await simulators.stop();
  });

  it('offer HTTP/2 only at APNs', async () => {
    const simulators = await startSimulators();
    const url = `${simulators.apns.url}/3/device/ab`;
    const script = `require('https').get(${JSON.stringify(url)}, { ca: require('fs').readFileSync(0) }).on('error', () => process.exit(7))`;
    const run = promisify(execFile)(process.execPath, ['-e', script]);
    run.child.stdin?.end(simulators.ca);
    await expect(run).rejects.toMatchObject({ code: 7 });
    await simulators.stop();
  });

  it('answer an unknown route of the admin API with the known ones', async () => {
    const simulators = await startSimulators();
    const response = await fetch(`${simulators.adminUrl}/nothing`);
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('POST /faults')]);
    await expect(simulators.admin.changeSettings({ apns: { stream: 1 } as never })).rejects.toThrow('stream');
    await expect(simulators.admin.changeSettings({ apns: { streams: -1 } })).rejects.toThrow('negative');
    await expect(simulators.admin.ledger('none' as never)).rejects.toThrow('provider');
    await simulators.stop();
  });
});
