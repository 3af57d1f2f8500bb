import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { Logger } from '@nestjs/common';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { hostClock } from '../../common/clock.js';
import { StartError } from '../../common/start-error.js';
import { isFull, noRoom } from './disk-room.js';

/** Interval at which a living holder touches its lock; the only sign of life from another container. */
const TOUCH_MS = 3_000;
/** Five missed touches: a process busy opening its database may miss two. */
const STALE_MS = 15_000;
/** Of processes that start at the same time, one may take or release the lock while another reads it. */
const ATTEMPTS = 3;
/** Interval between two checks of a lock that may be a copy. */
const LOOK_MS = 250;

/**
 * Locks the data folder for this process: a second process would end the database of the first. A lock left by a
 * killed process is taken over. A lock from another host or container is taken over after STALE_MS without a touch, and
 * so is the lock in a copy of the folder, which is another file than its holder wrote. Returns the function that
 * releases the lock. Throws StartError if the folder is taken or cannot be written.
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'lock');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    take(file, folder);
  } catch (error) {
    if (error instanceof StartError) throw error;
    if (isFull(error) && existsSync(folder)) throw noRoom(folder);
    throw new StartError(`DATA_DIR ${folder} cannot be written`, error);
  }
  const touching = setInterval(() => touch(file), TOUCH_MS).unref();
  const release = (): void => {
    clearInterval(touching);
    process.off('exit', release);
    rmSync(file, { force: true });
  };
  // Also if a start or stop is cut short: otherwise the next container, with another name, would wait until the lock is
  // stale.
  process.on('exit', release);
  return release;
}

function take(file: string, folder: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      const left = readLock(file);
      if (left !== null && isAlive(left, file)) {
        if (!isCopied(left, file)) throw inUse(folder, left);
        new Logger('Database').warn(`DATA_DIR ${folder} is a copy, its lock came along: opening it`);
      }
      if (left !== null) removeStale(file, left, folder);
      // wx: of two processes here at the same time, one fails.
      writeLock(file);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !['ENOENT', 'EEXIST'].includes(codeOf(error))) throw error;
    }
  }
}

/**
 * `<pid> <host> <start> <file>`: the number of the file itself, which differs in a copy; `-` if the start time is
 * unknown.
 */
function writeLock(file: string): void {
  const opened = openSync(file, 'wx');
  try {
    const { ino } = fstatSync(opened, { bigint: true });
    writeSync(opened, `${[process.pid, hostname(), startOf(process.pid) || '-', ino].join(' ')}\n`);
  } finally {
    closeSync(opened);
  }
}

/**
 * True if the lock is another file than its holder wrote and is not touched for a while: a file system may also
 * renumber its files. Waits for a copy that was just made.
 */
function isCopied(lock: string, file: string): boolean {
  const [, , , written] = lock.trim().split(' ');
  const { ino, mtimeMs } = statSync(file, { bigint: true });
  if (written === undefined || written === String(ino)) return false;
  return !isTouchedWithin(STALE_MS - Math.max(0, hostClock() - Number(mtimeMs)), file);
}

function isTouchedWithin(ms: number, file: string): boolean {
  const before = statSync(file, { bigint: true }).mtimeNs;
  const until = performance.now() + ms;
  while (performance.now() < until) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
    if (statSync(file, { bigint: true }).mtimeNs !== before) return true;
  }
  return false;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

/**
 * The start time of a process in clock ticks, which makes a process number unique. '' without /proc (proc(5): field 22
 * of stat, counted from behind the name, which may contain any character).
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
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

/** Not an error: the whole folder may have been removed. */
function touch(file: string): void {
  try {
    const now = new Date(hostClock());
    utimesSync(file, now, now);
  } catch {
    // The next touch tries again.
  }
}

/**
 * Moves the file aside first: of two processes that found the same stale lock, the slower one must not remove the new
 * lock of the faster one.
 */
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

/**
 * A future time comes from another host's clock, or from ours before it was set: a touch shows that the holder lives. A
 * time within this millisecond is not a future time.
 */
function isTouched(file: string): boolean {
  const ageMs = hostClock() - statSync(file).mtimeMs;
  return ageMs <= -STALE_MS ? isTouchedWithin(STALE_MS, file) : ageMs < STALE_MS;
}

/** Process numbers are valid on their own host only: each container counts from 1. */
function isAlive(lock: string, file: string): boolean {
  const [pid, host, start = ''] = lock.trim().split(' ');
  const holder = Number(pid);
  if (!Number.isInteger(holder) || holder <= 0) return false;
  if (host !== undefined && host !== hostname()) return isTouched(file);
  // A restarted container has its old host name and is number 1 again, like the process that left the lock.
  if (holder === process.pid) return false;
  // If the start time differs, the number was reused: the holder has ended, or is in another container with this name.
  // A holder that was only stopped, or slept with its machine, keeps the folder however old its touch is, because it
  // will continue.
  const startNow = startOf(holder);
  if (/^\d+$/.test(start) && startNow !== '' && startNow !== start) return isTouched(file);
  try {
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
