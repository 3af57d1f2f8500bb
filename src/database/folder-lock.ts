import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    if (isHeld(file))
      throw new StartError(`DATA_DIR ${folder} is in use by process ${readFileSync(file, 'utf8').trim()}`);
    rmSync(file, { force: true });
    // wx: of two processes that got here at once, one fails.
    writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`DATA_DIR ${folder} cannot be written`, error);
  }
  return () => rmSync(file, { force: true });
}

function isHeld(file: string): boolean {
  let holder: number;
  try {
    holder = Number(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
  // In a container every process is number 1, also the one that left the lock.
  if (!Number.isInteger(holder) || holder <= 0 || holder === process.pid) return false;
  try {
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
