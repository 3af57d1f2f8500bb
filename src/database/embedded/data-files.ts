import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../../common/start-error.js';

/** PostgreSQL's PG_CONTROL_FILE_SIZE, and initdb's default size of a WAL segment. */
const CONTROL_BYTES = 8_192;
const SEGMENT_BYTES = 16 * 1_048_576;
const SEGMENT = /^[0-9A-F]{24}$/;

/** Whether the folder is missing or empty. */
export function isNothing(folder: string): boolean {
  return list(folder).length === 0;
}

/**
 * Checks the files of the embedded database before they are opened. Throws StartError that names the part that is
 * missing or truncated, as after a restore that was interrupted.
 */
export function checkDataFiles(folder: string): void {
  const trouble = findTrouble(join(folder, 'postgres'));
  if (trouble !== undefined)
    throw new StartError(
      `DATA_DIR ${folder} is not whole: postgres/${trouble}. Restore the whole folder from a backup`,
    );
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
