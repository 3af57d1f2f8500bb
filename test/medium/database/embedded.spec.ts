import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { StartError } from '../../../src/common/start-error.js';
import { openDatabase } from '../../../src/database/database.js';
import type { Database } from '../../../src/database/database.js';
import { newFolder } from './places.js';

let dataDir: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  dataDir = newFolder();
});
afterEach(async () => {
  if (child && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  child = undefined;
  rmSync(dataDir, { recursive: true });
});

const applications = async (database: Database) => {
  const rows = await database.kysely.selectFrom('application').select('id').orderBy('id').execute();
  return rows.map((row) => row.id);
};

/** The process number of the folder's server. */
const serverOf = (folder: string) =>
  Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A separate process that holds the folder, has committed `committed`, and has `open` in a transaction. */
async function startKeeper(): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('keeper.ts', import.meta.url));
  const started = spawn(process.execPath, ['--import', 'tsx', script, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = started;
  await new Promise<void>((resolve, reject) => {
    started.stdout.once('data', () => resolve());
    started.once('exit', (code) => reject(new Error(`The keeper ended with ${code}`)));
  });
  return started;
}

describe('the folder of an embedded database', { timeout: 120_000 }, () => {
  it('keeps its data when it is closed and opened again', async () => {
    const first = await openDatabase({ dataDir });
    await first.kysely.insertInto('application').values({ id: 'com.acme.bank' }).execute();
    await first.close();
    const again = await openDatabase({ dataDir });
    expect(await applications(again)).toEqual(['com.acme.bank']);
    expect(again).toMatchObject({ place: dataDir });
    await again.close();
  });

  it.each([
    ['new', () => undefined],
    ['older', () => mkdirSync(join(dataDir, 'postgres'), { mode: 0o755 })],
  ])('a folder that all users may enter has a database only for its owner: a %s one', async (_age, prepare) => {
    chmodSync(dataDir, 0o755);
    prepare();
    await (await openDatabase({ dataDir })).close();
    expect(statSync(join(dataDir, 'postgres')).mode & 0o777).toBe(0o700);
    expect(statSync(dataDir).mode & 0o777).toBe(0o755);
  });

  it('serves one process; after a kill, the next process finds the committed rows only', async () => {
    const keeper = await startKeeper();
    const refused = openDatabase({ dataDir });
    await expect(refused).rejects.toThrow(StartError);
    await expect(refused).rejects.toThrow(`DATA_DIR ${dataDir} is in use by process ${keeper.pid}`);

    keeper.kill('SIGKILL');
    await once(keeper, 'exit');
    const next = await openDatabase({ dataDir });
    expect(await applications(next)).toEqual(['committed']);
    // The database is intact: it accepts writes and closes.
    await next.kysely.insertInto('application').values({ id: 'later' }).execute();
    await next.close();
  });

  it('after a kill, no server is left once the next process has the folder', async () => {
    const keeper = await startKeeper();
    const left = serverOf(dataDir);
    expect(isAlive(left)).toBe(true);
    keeper.kill('SIGKILL');
    await once(keeper, 'exit');
    const next = await openDatabase({ dataDir });
    expect(isAlive(left)).toBe(false);
    await next.close();
    expect(isAlive(left)).toBe(false);
  });

  it('is served again after its server was killed', async () => {
    const database = await openDatabase({ dataDir });
    await database.kysely.insertInto('application').values({ id: 'kept' }).execute();
    const killed = serverOf(dataDir);
    process.kill(killed, 'SIGKILL');
    await vi.waitFor(() => expect(serverOf(dataDir)).not.toBe(killed), { timeout: 60_000 });
    await vi.waitFor(async () => expect(await applications(database)).toEqual(['kept']), { timeout: 60_000 });
    await database.close();
  });

  it('a copy of a folder in use opens, and its original goes on', async () => {
    const original = await openDatabase({ dataDir });
    await original.kysely.insertInto('application').values({ id: 'both' }).execute();
    await original.pool.query('checkpoint');
    const copy = newFolder();
    cpSync(dataDir, copy, { recursive: true });
    rmSync(join(copy, 'lock'));
    const opened = await openDatabase({ dataDir: copy });
    expect(await applications(opened)).toEqual(['both']);
    expect(await applications(original)).toEqual(['both']);
    await Promise.all([opened.close(), original.close()]);
    rmSync(copy, { recursive: true });
  });

  it('a creation that was interrupted begins anew', async () => {
    mkdirSync(join(dataDir, 'postgres.unfinished', 'base'), { recursive: true });
    const database = await openDatabase({ dataDir });
    await database.close();
    expect(readdirSync(dataDir)).toEqual(['postgres']);
  });

  it('a path longer than that of a socket opens', async () => {
    const long = join(dataDir, 'x'.repeat(120));
    await (await openDatabase({ dataDir: long })).close();
    expect(readdirSync(long)).toEqual(['postgres']);
  });

  it.each([
    ['PG_VERSION is missing beside other files', 'PG_VERSION'],
    ['base is missing or empty', 'base'],
    ['global/pg_control is missing or cut short', 'global/pg_control'],
    ['pg_wal holds no log', 'pg_wal'],
  ])('is not opened if it is not whole: %s', async (trouble, part) => {
    cpSync(inject('embeddedFolder'), dataDir, { recursive: true });
    rmSync(join(dataDir, 'postgres', part), { recursive: true });
    await expect(openDatabase({ dataDir })).rejects.toThrow(
      `DATA_DIR ${dataDir} is not whole: postgres/${trouble}. Restore the whole folder from a backup`,
    );
  });

  it('releases a folder that cannot be opened for the next attempt', async () => {
    writeFileSync(join(dataDir, 'postgres'), 'a file where the folder should be');
    const broken = openDatabase({ dataDir });
    await expect(broken).rejects.toThrow(StartError);
    await expect(broken).rejects.toThrow(`The embedded database in DATA_DIR ${dataDir} cannot be opened`);
    // The second refusal is about the database again, not about a lock.
    await expect(openDatabase({ dataDir })).rejects.toThrow('cannot be opened');
  });
});
