import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, takesConnections } from './servers.js';

// Debian keeps it where only root looks.
const ENVIRONMENT = { PATH: [process.env.PATH, '/usr/sbin'].join(delimiter) };

/** Whether tests behind HAProxy run: where its binary is, and always under CI, where its absence is a failure. */
export const HAPROXY_AVAILABLE =
  process.env.CI === 'true' || spawnSync('haproxy', ['-v'], { env: ENVIRONMENT }).error === undefined;

/** An HAProxy that forwards TCP to the server of the URL, and ends what is at rest for so long; `through` is its address. */
export async function startHaproxy(
  serverUrl: string,
  idleMs: number,
): Promise<{ through: (url: string) => string; stop: () => Promise<void> }> {
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
  const ended = once(child, 'exit');
  for (let tries = 0; !(await takesConnections(port)); tries++) {
    if (tries === 200 || child.exitCode !== null) throw new Error('HAProxy did not start');
    await delay(50);
  }
  return {
    through: (url) => {
      const address = new URL(url);
      address.port = String(port);
      return address.href;
    },
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
