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
  const folder = mkdtempSync(join(tmpdir(), 'carillon-haproxy-'));
  const port = await freePort();
  const lines = [
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    `  timeout client ${idleMs}ms`,
    `  timeout server ${idleMs}ms`,
    'listen server',
    `  bind 127.0.0.1:${port}`,
    `  server one ${new URL(serverUrl).host}`,
    '',
  ];
  writeFileSync(join(folder, 'haproxy.cfg'), lines.join('\n'));
  const child = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore', env: ENVIRONMENT });
  return awaitForwarder('HAProxy', child, port, folder);
}
