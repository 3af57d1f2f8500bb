import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../common/start-error.js';

/**
 * Checks the files of the embedded database before it is opened: PGlite would create a new database over a partial
 * restore.
 */

/** PostgreSQL's PG_CONTROL_FILE_SIZE, and initdb's default size of a WAL segment. */
const CONTROL_BYTES = 8_192;
const SEGMENT_BYTES = 16 * 1_048_576;
const SEGMENT = /^[0-9A-F]{24}$/;

/**
 * Checks the database's folder under `folder`; returns a function to call after the database was opened. A database
 * whose creation was interrupted held no data and is created again. Throws StartError that names the missing or
 * truncated part.
 */
export function checkDataFiles(folder: string): () => void {
  const database = join(folder, 'database');
  const unfinished = join(folder, 'database.unfinished');
  if (existsSync(unfinished)) rmSync(database, { recursive: true, force: true });
  if (list(database).length === 0) {
    writeFileSync(unfinished, '');
    return () => rmSync(unfinished, { force: true });
  }
  const trouble = findTrouble(database);
  if (trouble !== undefined)
    throw new StartError(
      `DATA_DIR ${folder} is not whole: database/${trouble}. Restore the whole folder from a backup`,
    );
  return () => undefined;
}

function findTrouble(database: string): string | undefined {
  if (!existsSync(join(database, 'PG_VERSION'))) return 'PG_VERSION is missing beside other files';
  if (list(join(database, 'base')).length === 0) return 'base is missing or empty';
  if (sizeOf(join(database, 'global', 'pg_control')) !== CONTROL_BYTES)
    return 'global/pg_control is missing or cut short';
  const segments = list(join(database, 'pg_wal')).filter((name) => SEGMENT.test(name));
  if (segments.length === 0) return 'pg_wal holds no log';
  const short = segments.find((name) => sizeOf(join(database, 'pg_wal', name)) !== SEGMENT_BYTES);
  return short === undefined ? undefined : `pg_wal/${short} is cut short`;
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
