import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

// Each test opens new folders, which takes 5 s of a quiet core each.
describe('the folder of an embedded database', { timeout: 120_000 }, () => {
  it('keeps its data when it is closed and opened again', async () => {
    const first = await openDatabase({ dataDir });
    await first.kysely.insertInto('application').values({ id: 'com.acme.bank' }).execute();
    await first.close();
    const again = await openDatabase({ dataDir });
    expect(await applications(again)).toEqual(['com.acme.bank']);
    expect(again).toMatchObject({ embedded: true, place: dataDir });
    await again.close();
  });

  it.each([
    ['new', () => undefined],
    ['older', () => mkdirSync(join(dataDir, 'database'), { mode: 0o755 })],
  ])('a folder that all users may enter has a database only for its owner: a %s one', async (_age, prepare) => {
    chmodSync(dataDir, 0o755);
    prepare();
    await (await openDatabase({ dataDir })).close();
    expect(statSync(join(dataDir, 'database')).mode & 0o777).toBe(0o700);
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

  it('releases a folder that cannot be opened for the next attempt', async () => {
    writeFileSync(join(dataDir, 'database'), 'a file where the folder should be');
    const broken = openDatabase({ dataDir });
    await expect(broken).rejects.toThrow(StartError);
    await expect(broken).rejects.toThrow(`The embedded database in DATA_DIR ${dataDir} cannot be opened`);
    // The second refusal is about the database again, not about a lock.
    await expect(openDatabase({ dataDir })).rejects.toThrow('cannot be opened');
  });
});
