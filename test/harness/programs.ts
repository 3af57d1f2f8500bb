import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { preparePrograms } from '../../src/database/embedded/programs.js';
import type { Programs } from '../../src/database/embedded/programs.js';

/** Programs that .ci/run installs, with the tests that are left out without each. */
const PROGRAMS = [
  'redis-server',
  'redis-sentinel',
  'pgbouncer',
  'haproxy',
  'faketime',
  'nginx',
  'apache2',
  'microsocks',
  'h2load',
  'nghttpd',
  'docker-compose',
  'zsh',
  'fish',
  'chromium',
  'chromium-headless-shell',
  'systemd-analyze',
  'prometheus',
];

export function findMissing(): string[] {
  const missing = PROGRAMS.filter((name) => findBinary(name) === null);
  // The embedded database's takes its place, so that no test is left out; the oldest version is then not tested.
  if (findPostgres() === null && process.env.CI === 'true') missing.unshift('postgresql');
  return missing;
}

export function findBinary(name: string): string | null {
  // Debian installs servers in a folder outside of a user's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  const folder = folders.find((candidate) => existsSync(join(candidate, name)));
  return folder ? join(folder, name) : null;
}

export interface ServerPrograms extends Pick<Programs, 'owner' | 'command' | 'remove'> {
  how: { uid?: number; gid?: number; env?: Record<string, string> };
}

/** Debian's newest, which has a user for it, because PostgreSQL refuses to run as root; otherwise the embedded one. */
export function findServer(): ServerPrograms {
  const binaries = findPostgres();
  if (binaries === null) {
    const { environment, ...programs } = preparePrograms();
    return { ...programs, how: { env: environment } };
  }
  const owner = process.getuid?.() === 0 ? userIds('postgres') : undefined;
  return {
    owner,
    how: { ...owner },
    command: (program, args) => [join(binaries, program), args],
    remove: () => undefined,
  };
}

/** The folder with initdb and postgres; Debian has one per major version, outside of PATH. */
export function findPostgres(): string | null {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))) ?? null;
}

function userIds(name: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
