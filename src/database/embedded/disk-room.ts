import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../../common/start-error.js';

/** A new database has 40 MB of files; the log takes 64 MB more before the first checkpoint. */
const ROOM_BYTES = 104_857_600;
const SEGMENT_BYTES = 16 * 1_048_576;
const FILES = 1_500;
const MIB = 1_048_576;

/** No space, no quota, or larger than the largest file (errno(3)). */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
/** The same errors in the words of PostgreSQL's programs (strerror(3)). */
const FULL_IN_WORDS = /No space left on device|Disk quota exceeded|File too large/i;

/** Whether the disk refused a write. */
export function isFull(error: unknown): boolean {
  const { code, message, cause } = (error ?? {}) as Record<string, unknown>;
  if (FULL.has(String(code)) || FULL_IN_WORDS.test(String(message))) return true;
  return cause !== undefined && isFull(cause);
}

/**
 * Whether the disk has no room for a new database. A server that was ended by a full disk does not always say so, so
 * this writes a file of the size of a segment of its log.
 */
export function hasNoRoom(folder: string): boolean {
  if (leftOf(folder) < ROOM_BYTES) return true;
  const file = join(folder, 'room.tried');
  try {
    writeFileSync(file, Buffer.alloc(SEGMENT_BYTES));
    return false;
  } catch (error) {
    return isFull(error);
  } finally {
    rmSync(file, { force: true });
  }
}

/** Bytes that this user may still write there. */
function leftOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** `folder` is DATA_DIR, which exists. */
export function noRoom(folder: string): StartError {
  return new StartError(
    `DATA_DIR ${folder}: its disk ${stateOf(folder)}, and ${ROOM_BYTES / MIB} MB for ${FILES} files are needed: free some, or set DATA_DIR to a folder on another disk`,
  );
}

function stateOf(folder: string): string {
  const left = leftOf(folder);
  if (left < ROOM_BYTES) return `has ${Math.floor(left / MIB)} MB left`;
  const { files, ffree } = statfsSync(folder);
  // Some file systems have no limit of files and report 0.
  if (files > 0 && ffree < FILES) return `has room for ${ffree} files`;
  return 'takes no more (a quota, or ulimit -f)';
}
