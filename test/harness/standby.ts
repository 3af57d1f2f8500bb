import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPostgres, findServer } from './programs.js';
import { launchPostgres } from './servers.js';
import type { PostgresServer } from './servers.js';

/** A hot standby of a server of this machine, copied with pg_basebackup; null if the binaries are not installed. */
export async function startStandby(primaryUrl: string): Promise<PostgresServer | null> {
  const binaries = findPostgres();
  if (!binaries) return null;
  const folder = mkdtempSync(join(tmpdir(), 'carillon-standby-'));
  const programs = findServer();
  if (programs.owner) chownSync(folder, programs.owner.uid, programs.owner.gid);
  execFileSync(
    join(binaries, 'pg_basebackup'),
    ['-D', join(folder, 'data'), '-R', '-X', 'stream', '-c', 'fast', '--no-sync', '-d', primaryUrl],
    { ...programs.how, stdio: 'pipe', cwd: folder },
  );
  return launchPostgres(programs, folder, ['synchronous_commit=off']);
}
