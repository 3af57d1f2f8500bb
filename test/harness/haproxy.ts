import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { awaitForwarder } from './forwarder.js';
import type { Forwarder } from './forwarder.js';
import { freePort } from './servers.js';

// Debian installs it in a folder outside of a user's PATH.
const ENVIRONMENT = { PATH: [process.env.PATH, '/usr/sbin'].join(delimiter) };

/** Whether tests with HAProxy run: if its binary exists, and always under CI, where its absence is a failure. */
export const HAPROXY_AVAILABLE =
  process.env.CI === 'true' || spawnSync('haproxy', ['-v'], { env: ENVIRONMENT }).error === undefined;

/** An HAProxy that forwards TCP to the server of the URL and ends idle connections after `idleMs`. */
export async function startHaproxy(serverUrl: string, idleMs: number): Promise<Forwarder> {
  return start('tcp', idleMs, [`server one ${new URL(serverUrl).host}`]);
}

/** An HAProxy for HTTP before processes at these ports, which asks each twice a second whether it is ready. */
export async function startBalancer(ports: readonly number[]): Promise<Forwarder> {
  return start('http', 30_000, [
    'option httpchk GET /health/ready',
    'option redispatch',
    // A busy machine answers late; a process that is to stop answers 503 at once.
    'timeout check 5s',
    'default-server check inter 500ms fall 1 rise 1',
    ...ports.map((port) => `server at-${port} 127.0.0.1:${port}`),
  ]);
}

async function start(mode: 'tcp' | 'http', idleMs: number, servers: readonly string[]): Promise<Forwarder> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-haproxy-'));
  const port = await freePort();
  const lines = [
    'defaults',
    `  mode ${mode}`,
    '  timeout connect 5s',
    `  timeout client ${idleMs}ms`,
    `  timeout server ${idleMs}ms`,
    'listen server',
    `  bind 127.0.0.1:${port}`,
    ...servers.map((line) => `  ${line}`),
    '',
  ];
  writeFileSync(join(folder, 'haproxy.cfg'), lines.join('\n'));
  const child = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore', env: ENVIRONMENT });
  return awaitForwarder('HAProxy', child, port, folder);
}
