import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../common/start-error.js';

/**
 * Takes the data folder for this process: two of them in one PGlite folder would destroy it. A lock left behind by a
 * killed process is taken over. Returns the release. Throws StartError when the folder is taken or cannot be written.
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'lock');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const left = readLock(file);
    if (left !== null && isAlive(left)) throw inUse(folder, left);
    if (left !== null) removeStale(file, left, folder);
    // wx: of two processes that got here at once, one fails.
    writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`DATA_DIR ${folder} cannot be written`, error);
  }
  return () => rmSync(file, { force: true });
}

function inUse(folder: string, holder: string): StartError {
  return new StartError(`DATA_DIR ${folder} is in use by process ${holder.trim()}`);
}

function readLock(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** Moved aside first: of two that found the same stale lock, the slower one must not remove the quicker one's new lock. */
function removeStale(file: string, left: string, folder: string): void {
  const aside = `${file}.stale.${process.pid}`;
  renameSync(file, aside);
  const moved = readFileSync(aside, 'utf8');
  if (moved !== left) {
    renameSync(aside, file);
    throw inUse(folder, moved);
  }
  rmSync(aside);
}

function isAlive(lock: string): boolean {
  const holder = Number(lock);
  // In a container every process is number 1, also the one that left the lock.
  if (!Number.isInteger(holder) || holder <= 0 || holder === process.pid) return false;
  try {
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
