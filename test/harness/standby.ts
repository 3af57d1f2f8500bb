import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPostgres, launchPostgres, userIds } from './servers.js';
import type { PostgresServer } from './servers.js';

/** A hot standby of a server of this machine, copied with pg_basebackup; null if the binaries are not installed. */
export async function startStandby(primaryUrl: string): Promise<PostgresServer | null> {
  const binaries = findPostgres();
  if (!binaries) return null;
  const folder = mkdtempSync(join(tmpdir(), 'carillon-standby-'));
  const user = process.getuid?.() === 0 ? userIds('postgres') : {};
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid ?? user.uid);
  execFileSync(
    join(binaries, 'pg_basebackup'),
    ['-D', join(folder, 'data'), '-R', '-X', 'stream', '-c', 'fast', '--no-sync', '-d', primaryUrl],
    { ...user, stdio: 'pipe', cwd: folder },
  );
  return launchPostgres(binaries, folder, user, ['synchronous_commit=off']);
}
