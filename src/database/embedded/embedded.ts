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
  const unfinished = join(folder, 'postgres.unfinished');
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  await makeFiles(unfinished);
  if (isOlderKind(folder)) await carryOver(folder, unfinished);
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
