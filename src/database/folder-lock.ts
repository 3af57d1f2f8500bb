import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../common/start-error.js';

/** A living holder touches its lock every so often; in another container that is all we see of it. */
const TOUCH_MS = 3_000;
/** Five touches missed: a process busy opening its database may miss two. */
const STALE_MS = 15_000;

/**
 * Takes the data folder for this process: two of them in one PGlite folder would destroy it. A lock left behind by a
 * killed process is taken over; one from another host or container when nobody has touched it for STALE_MS. Returns the
 * release. Throws StartError when the folder is taken or cannot be written.
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'lock');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const left = readLock(file);
    if (left !== null && isAlive(left, file)) throw inUse(folder, left);
    if (left !== null) removeStale(file, left, folder);
    // wx: of two processes that got here at once, one fails.
    writeFileSync(file, `${process.pid} ${hostname()}\n`, { flag: 'wx' });
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`DATA_DIR ${folder} cannot be written`, error);
  }
  const touching = setInterval(() => touch(file), TOUCH_MS).unref();
  return () => {
    clearInterval(touching);
    rmSync(file, { force: true });
  };
}

function inUse(folder: string, holder: string): StartError {
  const [pid = '', host] = holder.trim().split(' ');
  const where = host === undefined || host === hostname() ? '' : ` on ${host}`;
  return new StartError(`DATA_DIR ${folder} is in use by process ${pid}${where}`);
}

function readLock(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** Somebody may have taken the whole folder away: that is no reason to stop. */
function touch(file: string): void {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // The next touch tries again.
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

/** Process numbers say something on their own host only: each container counts from 1. */
function isAlive(lock: string, file: string): boolean {
  const [pid, host] = lock.trim().split(' ');
  const holder = Number(pid);
  if (!Number.isInteger(holder) || holder <= 0) return false;
  if (host !== undefined && host !== hostname()) return Date.now() - statSync(file).mtimeMs < STALE_MS;
  // A container that is started again has its host name and is number 1 again, as the one that left the lock was.
  if (holder === process.pid) return false;
  try {
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
