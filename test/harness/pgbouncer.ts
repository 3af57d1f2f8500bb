import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, takesConnections } from './servers.js';

/** TEST_PGBOUNCER names another than the installed one. */
const BINARY = [process.env.TEST_PGBOUNCER ?? '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((file) =>
  existsSync(file),
);

/** Whether tests behind PgBouncer run: where its binary is, and always under CI, where its absence is a failure. */
export const PGBOUNCER_AVAILABLE = process.env.CI === 'true' || BINARY !== undefined;

export type PoolMode = 'session' | 'transaction' | 'statement';

/** A PgBouncer before the server; `through` is a database's address by way of it. */
export async function startPgBouncer(
  serverUrl: string,
  mode: PoolMode,
  poolSize = 100,
  settings: readonly string[] = [],
): Promise<{ through: (url: string) => string; stop: () => Promise<void> }> {
  if (!BINARY) throw new Error('pgbouncer is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'carillon-pgbouncer-'));
  chmodSync(folder, 0o755);
  const { hostname, port: serverPort, username } = new URL(serverUrl);
  const port = await freePort();
  writeFileSync(join(folder, 'users.txt'), `"${username}" ""\n`);
  const lines = [
    '[databases]',
    `* = host=${hostname} port=${serverPort}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${join(folder, 'users.txt')}`,
    `pool_mode = ${mode}`,
    `default_pool_size = ${poolSize}`,
    'max_client_conn = 400',
    ...settings,
  ];
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(file, lines.join('\n'));
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'postgres'] : [];
  const child = spawn(BINARY, ['-q', ...user, file], { stdio: 'ignore', cwd: folder });
  const ended = once(child, 'exit');
  for (let tries = 0; !(await takesConnections(port)); tries++) {
    if (tries === 200 || child.exitCode !== null) throw new Error('PgBouncer did not start');
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
