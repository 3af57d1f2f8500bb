import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { awaitForwarder } from './forwarder.js';
import type { Forwarder } from './forwarder.js';
import { freePort } from './servers.js';

interface PgBouncer {
  version: string;
  binary: string;
}

const INSTALLED = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((file) => existsSync(file));

/** The installed PgBouncer, and the one of TEST_PGBOUNCER; under CI the tests fail without the first. */
export const PGBOUNCERS: readonly PgBouncer[] = [
  INSTALLED ?? (process.env.CI === 'true' ? 'pgbouncer' : undefined),
  process.env.TEST_PGBOUNCER,
]
  .filter((binary) => binary !== undefined)
  .map((binary) => ({ binary, version: versionOf(binary) }));

function versionOf(binary: string): string {
  return /PgBouncer (\S+)/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' }))?.[1] ?? '?';
}

export type PoolMode = 'session' | 'transaction' | 'statement';

/** Starts a PgBouncer in front of the server. */
export async function startPgBouncer(
  { binary }: PgBouncer,
  serverUrl: string,
  mode: PoolMode,
  poolSize = 100,
  settings: readonly string[] = [],
): Promise<Forwarder> {
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
  // PgBouncer refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'postgres'] : [];
  const child = spawn(binary, ['-q', ...user, file], { stdio: 'ignore', cwd: folder });
  return awaitForwarder('PgBouncer', child, port, folder);
}
