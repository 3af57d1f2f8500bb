import { Logger } from '@nestjs/common';
import { chmodSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rootCause } from '../../common/errors.js';
import { StartError } from '../../common/start-error.js';
import { openPostgres } from '../postgres.js';
import type { Opened } from '../postgres.js';
import { carryOver, isOlderKind } from './carry-over.js';
import { checkDataFiles, isNothing } from './data-files.js';
import { hasNoRoom, isFull, noRoom } from './disk-room.js';
import { lockFolder } from './folder-lock.js';
import { EmbeddedServer, makeFiles } from './server.js';

/** Opens or creates the database under `dataDir`: a PostgreSQL of this process; about 1 s for a new one. */
export async function openEmbedded(dataDir: string): Promise<Opened> {
  const folder = resolve(dataDir);
  const unlock = lockFolder(folder);
  let server: EmbeddedServer | undefined;
  try {
    server = await startServer(folder);
    const { close, ...opened } = await openPostgres(server.url);
    const stop = async () => {
      await close();
      await server?.stop();
      unlock();
    };
    return { ...opened, place: folder, close: stop };
  } catch (error) {
    await server?.stop();
    unlock();
    if (error instanceof StartError) throw error;
    throw isFull(error) || hasNoRoom(folder)
      ? noRoom(folder)
      : new StartError(`The embedded database in DATA_DIR ${folder} cannot be opened`, error);
  }
}

/**
 * Opens the database under `dataDir` beside the process that has it, or alone if none runs. Changes nothing, and makes
 * none. Throws StartError.
 */
export async function openBeside(dataDir: string): Promise<Opened> {
  const folder = resolve(dataDir);
  const data = join(folder, 'postgres');
  if (isNothing(data)) throw new StartError(`DATA_DIR ${folder} has no embedded database`);
  const url = EmbeddedServer.findUrl(data);
  return url === null ? openEmbedded(folder) : { ...(await openPostgres(url)), place: folder };
}

/** Makes the database under `dataDir` and fills it by `work`; if the work rejects, there is none. Throws StartError. */
export async function makeEmbedded<T>(dataDir: string, work: (opened: Opened) => Promise<T>): Promise<T> {
  const folder = resolve(dataDir);
  const data = join(folder, 'postgres');
  const unlock = lockFolder(folder);
  try {
    if (!isNothing(data) || isOlderKind(folder))
      throw new StartError(`DATA_DIR ${folder} already has a database: give an empty folder`);
    const unfinished = await makeUnfinished(folder);
    const server = await EmbeddedServer.start(unfinished);
    let result: T;
    try {
      const opened = await openPostgres(server.url);
      result = await work({ ...opened, place: folder });
      await opened.close();
    } finally {
      await server.stop();
    }
    finish(unfinished, data);
    return result;
  } finally {
    unlock();
  }
}

/**
 * The files are made under another name, so that a start that was interrupted leaves no half-made database, which would
 * be opened as a whole one.
 */
async function startServer(folder: string): Promise<EmbeddedServer> {
  const data = join(folder, 'postgres');
  if (isNothing(data)) await make(folder, data);
  else checkDataFiles(folder);
  keepPrivate(data);
  return EmbeddedServer.start(data);
}

async function make(folder: string, data: string): Promise<void> {
  const unfinished = await makeUnfinished(folder);
  if (isOlderKind(folder)) await carryOver(folder, unfinished);
  finish(unfinished, data);
}

async function makeUnfinished(folder: string): Promise<string> {
  const unfinished = join(folder, 'postgres.unfinished');
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  await makeFiles(unfinished);
  return unfinished;
}

function finish(unfinished: string, data: string): void {
  rmSync(data, { recursive: true, force: true });
  renameSync(unfinished, data);
}

/** PostgreSQL refuses a folder that other users may enter. */
function keepPrivate(data: string): void {
  if ((statSync(data).mode & 0o077) === 0) return;
  try {
    chmodSync(data, 0o700);
  } catch (error) {
    new Logger('Database').warn(`${data} is open to other users of this machine: ${rootCause(error)}`);
  }
}
