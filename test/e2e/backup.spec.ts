import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, statSync, existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { runToEnd, startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { Deployment } from '../harness/deployment.js';
import { EMBEDDED, SERVERS } from './stages.js';

/** Backup, restore and move of an embedded installation, in the middle of a broadcast. */

const DEVICES = 600;
const ALL_ROLES = { ROLES: 'api,worker,scheduler' };

let folder: string;
let deployment: Deployment;
let broadcast: string;
let file: string;
const started: RunningCarillon[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-backup-'));
  file = join(folder, 'carillon.backup');
  deployment = await Deployment.start(EMBEDDED, DEVICES, ALL_ROLES);
  broadcast = await deployment.broadcastUntilMiddle();
});
afterAll(async () => {
  await Promise.all(started.map((carillon) => carillon.stop()));
  await deployment.stop();
  rmSync(folder, { recursive: true });
});

const dataDir = (): string => deployment.environment.DATA_DIR!;
function environmentOf(place: Record<string, string>): Record<string, string> {
  const { DATA_DIR: _, ...rest } = deployment.environment;
  return { ...rest, ...ALL_ROLES, ...place };
}

/** Every device gets the broadcast, and not more often than copies of the installation have sent. */
async function expectRest(carillon: RunningCarillon, copies: number): Promise<void> {
  started.push(carillon);
  const api = await Api.connect(carillon.url, deployment.api.applicationId);
  const { outcomes } = await api.waitFor(broadcast);
  expect((outcomes.accepted ?? 0) + (outcomes.unknown ?? 0)).toBe(DEVICES);
  const tokens = await deployment.simulators.admin.ledgerTokens('apns', broadcast);
  expect(tokens.length + (outcomes.unknown ?? 0)).toBeGreaterThanOrEqual(DEVICES);
  expect(Math.max(...tokens.map(({ count }) => count))).toBeLessThanOrEqual(copies);
}

describe('a backup of a running process', () => {
  it('is taken in the middle of a broadcast', async () => {
    const { code, output } = await runToEnd({ DATA_DIR: dataDir() }, 'backup', file);
    expect(output).toMatch(/^\d+ rows of \S+ are in \S+\nKeep MASTER_KEY with it/);
    expect(code).toBe(0);
    const { outcomes } = await deployment.api.message(broadcast);
    expect(outcomes.accepted).toBeLessThan(DEVICES);
    await deployment.first.kill();
  });

  it('is readable by its owner alone, and replaces no file', async () => {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { code, output } = await runToEnd({ DATA_DIR: dataDir() }, 'backup', file);
    expect([code, output]).toEqual([1, `carillon: ${file} is there already: a backup replaces no file\n`]);
  });

  it('is restored to an empty folder, and the next start sends the rest', async () => {
    const DATA_DIR = join(folder, 'restored');
    const { code, output } = await runToEnd({ DATA_DIR }, 'restore', file);
    expect(output).toMatch(
      /is restored to \S+\nThe next start goes on with: 1 unfinished messages, 0 active campaigns/,
    );
    expect(code).toBe(0);
    const before = await runToEnd({ DATA_DIR, PORT: '0' });
    expect(before.output).toContain('master.key is missing, and the database holds secrets sealed under it');
    cpSync(join(dataDir(), 'master.key'), join(DATA_DIR, 'master.key'));
    await expectRest(await startCarillon(environmentOf({ DATA_DIR })), 2);
  });

  it('is restored with --stopped, and sends nothing until the application is enabled', async () => {
    const DATA_DIR = join(folder, 'stopped');
    expect((await runToEnd({ DATA_DIR }, 'restore', file, '--stopped')).output).toContain(
      'Stopped until an application is enabled: 1 unfinished messages',
    );
    cpSync(join(dataDir(), 'master.key'), join(DATA_DIR, 'master.key'));
    const before = await deployment.received(broadcast);
    const carillon = await startCarillon(environmentOf({ DATA_DIR }));
    started.push(carillon);
    const api = await Api.connect(carillon.url, deployment.api.applicationId);
    const probe = await api.send({ message: { alert: 'While stopped' } }).catch((error: unknown) => String(error));
    expect(await deployment.received(broadcast)).toBe(before);
    expect(probe).toContain('nothing is sent until the stop is lifted');
  });

  it('is restored to no folder that has a database', async () => {
    const { code, output } = await runToEnd({ DATA_DIR: dataDir() }, 'restore', file);
    expect([code, output]).toEqual([
      1,
      `carillon: DATA_DIR ${dataDir()} already has a database: give an empty folder\n`,
    ]);
  });

  it.each([
    [
      'cut short',
      (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2)),
      /carillon: .*(cut short|cannot be restored: unexpected end of file)/,
    ],
    [
      'another file',
      (path: string) => writeFileSync(path, 'text'),
      /carillon: The backup \S+ cannot be restored: incorrect header check/,
    ],
  ])('that is %s is refused, and leaves no database', async (_what, spoil, message) => {
    const spoiled = join(folder, 'spoiled');
    cpSync(file, spoiled);
    spoil(spoiled);
    const DATA_DIR = mkdtempSync(join(folder, 'spoiled-'));
    const { code, output } = await runToEnd({ DATA_DIR }, 'restore', spoiled);
    expect(output).toMatch(message);
    expect(code).toBe(1);
    expect(existsSync(join(DATA_DIR, 'postgres'))).toBe(false);
  });

  it.skipIf(SERVERS === null)('moves to PostgreSQL, where the rest is sent', async () => {
    const { environment } = await SERVERS!.prepare();
    const DATA_DIR = dataDir();
    const { code, output } = await runToEnd({ DATA_DIR }, 'move-to', environment.DATABASE_URL!);
    expect(output).toMatch(/^\d+ rows of \S+ were moved to PostgreSQL at \S+ and compared\nStart with DATABASE_URL/);
    expect(code).toBe(0);
    const again = await runToEnd({ DATA_DIR }, 'move-to', environment.DATABASE_URL!);
    expect(again.output).toMatch(/already has an installation of Carillon: give an empty database/);
    const MASTER_KEY = readFileSync(join(DATA_DIR, 'master.key'), 'utf8').trim();
    await expectRest(await startCarillon(environmentOf({ ...environment, MASTER_KEY })), 3);
  });
});
