import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './command.js';
import { ENVIRONMENT } from './environment.js';

export interface Login {
  url: string;
  application: string;
  clientId: string;
  clientSecret: string;
}

const FILE = join(ENVIRONMENT.folder, 'login.json');

/** Undefined: there was no login. */
export function readLogin(): Login | undefined {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as Login;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UsageError(`${FILE} cannot be read: log in again`);
  }
}

/** Only its owner may read the file, under any umask; a reader sees the old file or the new one. Returns its name. */
export function writeLogin(login: Login): string {
  mkdirSync(ENVIRONMENT.folder, { recursive: true, mode: 0o700 });
  chmodSync(ENVIRONMENT.folder, 0o700);
  const written = `${FILE}.${process.pid}`;
  writeFileSync(written, `${JSON.stringify(login)}\n`, { mode: 0o600 });
  chmodSync(written, 0o600);
  renameSync(written, FILE);
  return FILE;
}

/** `-`: stdin. Without the line end of an editor. */
export function readSecret(file: string): string {
  return readFileSync(file === '-' ? 0 : file, 'utf8').replace(/\r?\n$/, '');
}
