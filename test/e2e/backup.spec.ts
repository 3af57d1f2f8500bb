import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, statSync, existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDatabase } from '../../src/database/database.js';
import { Api } from '../harness/api.js';
import { runToEnd, startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { Deployment } from '../harness/deployment.js';
import { EMBEDDED, SERVERS } from './stages.js';

/** Backup, restore and move of an embedded installation, in the middle of a broadcast. */

const DEVICES = 600;
const SETTINGS = { ROLES: 'api,worker,scheduler', WEBHOOK_ALLOW_PRIVATE: 'true' };

let folder: string;
let deployment: Deployment;
let broadcast: string;
let file: string;
/** Of the sample application: fires each minute. */
let campaignId: string;
/** The ids of the events that the endpoint of a webhook got, which takes none at first. */
const posted: string[] = [];
let status = 500;
const endpoint = createServer((request, response) => {
  posted.push(String(request.headers['webhook-id']));
  response.writeHead(status).end();
});
const started: RunningCarillon[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-backup-'));
  file = join(folder, 'carillon.backup');
  deployment = await Deployment.start(EMBEDDED, DEVICES, SETTINGS);
  const sample = await Api.connect(deployment.first.url);
  const made = await sample.app<{ campaignId: string }>('POST', '/campaigns', {
    name: 'Each minute',
    content: { message: { alert: 'hi' } },
    schedule: { cron: '* * * * *', timeZone: 'UTC' },
  });
  ({ campaignId } = made.body);
  await sample.app('POST', `/campaigns/${campaignId}/activate`);
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/`;
  await sample.app('POST', '/webhooks', { name: 'crm', url, eventTypes: 'onDeviceRegister' });
  await sample.registerDevices([{ deviceId: 'one', platform: 'A', token: 'sandbox:accepted:one' }]);
  await vi.waitUntil(() => posted.length > 0, { timeout: 10_000 });
  broadcast = await deployment.broadcastUntilMiddle();
  // The backup is faster than the rest, also on a slow machine.
  await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 3_000, latencySigma: 0 } });
});
afterAll(async () => {
  await Promise.all(started.map((carillon) => carillon.stop()));
  await deployment.stop();
  endpoint.close();
  rmSync(folder, { recursive: true });
});

const dataDir = (): string => deployment.environment.DATA_DIR!;
function environmentOf(place: Record<string, string>): Record<string, string> {
  const { DATA_DIR: _, ...rest } = deployment.environment;
  return { ...rest, ...SETTINGS, ...place };
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
  // Its webhooks would go on.
  await carillon.stop();
}

describe('a backup of a running process', () => {
  it('is taken in the middle of a broadcast', async () => {
    const { code, output } = await runToEnd({ DATA_DIR: dataDir() }, 'backup', file);
    expect(output).toMatch(/^\d+ rows of \S+ are in \S+\nKeep MASTER_KEY with it/);
    expect(code).toBe(0);
    const { outcomes } = await deployment.api.message(broadcast);
    expect(outcomes.accepted).toBeLessThan(DEVICES);
    await deployment.first.kill();
    await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 100 } });
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
      /is restored to \S+\nThe next start goes on with: [12] unfinished messages, 1 active campaigns, 1 waiting/,
    );
    expect(code).toBe(0);
    const before = await runToEnd({ DATA_DIR, PORT: '0' });
    expect(before.output).toContain('master.key is missing, and the database holds secrets sealed under it');
    const MASTER_KEY = randomBytes(32).toString('base64');
    const wrong = await runToEnd({ DATA_DIR, PORT: '0', MASTER_KEY });
    expect(wrong.output.trim().split('\n')).toEqual([expect.stringContaining('MASTER_KEY does not open')]);
    cpSync(join(dataDir(), 'master.key'), join(DATA_DIR, 'master.key'));
    await expectRest(await startCarillon(environmentOf({ DATA_DIR })), 2);
  });

  it('is restored with --stopped a day later: nothing goes out, and then what the rules say', async () => {
    const DATA_DIR = join(folder, 'stopped');
    const { output } = await runToEnd({ DATA_DIR }, 'restore', file, '--stopped');
    expect(output).toMatch(
      /\nStopped until an application is enabled: [12] unfinished messages.*\nWebhooks are disabled/,
    );
    cpSync(join(dataDir(), 'master.key'), join(DATA_DIR, 'master.key'));
    const database = await openDatabase({ databaseUrl: undefined, dataDir: DATA_DIR });
    await database.pool.query(`update campaign set due_at = due_at - interval '1 day'`);
    await database.close();
    const [before, tries] = [await deployment.received(broadcast), posted.length];
    status = 200;
    const carillon = await startCarillon(environmentOf({ DATA_DIR }));
    started.push(carillon);
    const api = await Api.connect(carillon.url, deployment.api.applicationId);
    const probe = await api.send({ message: { alert: 'While stopped' } }).catch((error: unknown) => String(error));
    expect(probe).toContain('nothing is sent until the stop is lifted');
    const sample = await Api.connect(carillon.url);
    const runs = async () =>
      (await sample.app<{ runs: object[] }>('GET', `/campaigns/${campaignId}/runs?limit=100`)).body.runs;
    const webhook = async () => (await sample.app('GET', '/webhooks/crm')).body;
    // The sender of webhooks has looked; schedulers look as often.
    await expect
      .poll(webhook, { timeout: 20_000 })
      .toMatchObject({ pending: 0, disabledReason: 'restored with --stopped' });
    const earlier = await runs();
    expect([await deployment.received(broadcast), posted.length]).toEqual([before, tries]);

    // Of 1,440 missed firings the rule of the campaign, `once`, makes one; and the next minute may come.
    expect((await sample.call('DELETE', `/apps/${sample.applicationId}/stop`)).status).toBe(200);
    await expect.poll(async () => (await runs()).length, { timeout: 30_000 }).toBeGreaterThan(earlier.length);
    expect((await runs()).length - earlier.length).toBeLessThanOrEqual(2);
    await sample.app('POST', '/webhooks/crm/replay', { from: '2026-01-01T00:00:00Z' });
    await expect.poll(() => posted.length, { timeout: 20_000 }).toBe(tries + 1);
    // The mark of a repeated event.
    expect(new Set(posted).size).toBe(1);
  }, 120_000);

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
