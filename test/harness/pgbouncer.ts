import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { awaitForwarder } from './forwarder.js';
import type { Forwarder } from './forwarder.js';
import { freePort } from './servers.js';

/** TEST_PGBOUNCER names another than the installed one. */
const BINARY = [process.env.TEST_PGBOUNCER ?? '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((file) =>
  existsSync(file),
);

/** Whether tests behind PgBouncer run: where its binary is, and always under CI, where its absence is a failure. */
export const PGBOUNCER_AVAILABLE = process.env.CI === 'true' || BINARY !== undefined;

export type PoolMode = 'session' | 'transaction' | 'statement';

/** A PgBouncer before the server. */
export async function startPgBouncer(
  serverUrl: string,
  mode: PoolMode,
  poolSize = 100,
  settings: readonly string[] = [],
): Promise<Forwarder> {
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
  return awaitForwarder('PgBouncer', child, port, folder);
}
