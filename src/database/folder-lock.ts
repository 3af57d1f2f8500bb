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
import { hostClock } from '../common/clock.js';
import { StartError } from '../common/start-error.js';
import { isFull, noRoom } from './disk-room.js';

/** A living holder touches its lock every so often; in another container that is all we see of it. */
const TOUCH_MS = 3_000;
/** Five touches missed: a process busy opening its database may miss two. */
const STALE_MS = 15_000;
/** Of those who start at the same moment one may take or give back the lock while another reads it. */
const ATTEMPTS = 3;
/** Between two looks at a lock that may have been copied. */
const LOOK_MS = 250;

/**
 * Takes the data folder for this process: two of them in one PGlite folder would destroy it. A lock left behind by a
 * killed process is taken over; one from another host or container when nobody has touched it for STALE_MS, and so is one
 * that came along with a copy of the folder, which is another file than its holder wrote. Returns the release. Throws StartError when the folder is taken or cannot be written.
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
  // Also when a start or a drain is cut short: the next container, of another name, would wait for the lock's age.
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
      // wx: of two processes that got here at once, one fails.
      writeLock(file);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !['ENOENT', 'EEXIST'].includes(codeOf(error))) throw error;
    }
  }
}

/** `<pid> <host> <start> <file>`: the number of the file itself, which a copy does not have; `-` where nobody says a start. */
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
 * True when the lock is another file than the one its holder wrote, and nobody touches it while others would: a file system
 * may also number its files anew. A copy that was made just now is waited for.
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
 * When a process began, in ticks of the machine: with it a number is one process's for good. '' where there is no /proc
 * (proc(5): the 22nd field of stat, counted from behind the name, which may hold anything).
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

/** Somebody may have taken the whole folder away: that is no reason to stop. */
function touch(file: string): void {
  try {
    const now = new Date(hostClock());
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

/**
 * A time well ahead is of another host's clock, or of ours before it was set: whether it moves tells. Not one of this moment,
 * which is ahead of a clock that counts whole milliseconds.
 */
function isTouched(file: string): boolean {
  const ageMs = hostClock() - statSync(file).mtimeMs;
  return ageMs <= -STALE_MS ? isTouchedWithin(STALE_MS, file) : ageMs < STALE_MS;
}

/** Process numbers say something on their own host only: each container counts from 1. */
function isAlive(lock: string, file: string): boolean {
  const [pid, host, start = ''] = lock.trim().split(' ');
  const holder = Number(pid);
  if (!Number.isInteger(holder) || holder <= 0) return false;
  if (host !== undefined && host !== hostname()) return isTouched(file);
  // A container that is started again has its host name and is number 1 again, as the one that left the lock was.
  if (holder === process.pid) return false;
  // Another process has its number now: the holder has ended, or is in another container of this name. A holder that lives
  // and was merely stopped, or slept with its machine, keeps the folder however long ago it touched: it will go on in it.
  const startNow = startOf(holder);
  if (/^\d+$/.test(start) && startNow !== '' && startNow !== start) return isTouched(file);
  try {
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
