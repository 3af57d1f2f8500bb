import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runAfter, runToEnd, startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { freePort } from '../harness/servers.js';
import { SERVERS } from './stages.js';

/** A start that cannot succeed logs the reason in one line and ends with a non-zero code. */

const folders: string[] = [];
let blocker: Server;

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-start-'));
  folders.push(folder);
  return folder;
}

beforeAll(async () => {
  blocker = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => blocker.once('listening', resolve));
});

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

afterAll(() => {
  blocker.close();
});

async function expectRefusal(environment: Record<string, string>, says: RegExp): Promise<void> {
  const { code, output } = await runToEnd(environment);
  expect(output).toMatch(says);
  expect(output.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(1);
}

describe('a start is refused if', () => {
  it('the database cannot be reached', async () => {
    const port = await freePort();
    await expectRefusal(
      { DATABASE_URL: `postgres://user:hush@127.0.0.1:${port}/none`, MASTER_KEY: randomBytes(32).toString('base64') },
      /^carillon: The database cannot be reached \(PostgreSQL at 127\.0\.0\.1:\d+\/none\)(?!.*hush)/,
    );
  });

  it('the queue cannot be reached', async () => {
    const port = await freePort();
    await expectRefusal(
      { DATA_DIR: newFolder(), QUEUE_URL: `redis://127.0.0.1:${port}` },
      /^carillon: The queue cannot be reached \(Redis at 127\.0\.0\.1:\d+\)/,
    );
  });

  it('the port is in use', async () => {
    const { port } = blocker.address() as AddressInfo;
    await expectRefusal(
      { DATA_DIR: newFolder(), HOST: '127.0.0.1', PORT: String(port) },
      /^carillon: Cannot listen on HOST 127\.0\.0\.1, PORT \d+.*EADDRINUSE/,
    );
  });

  it('DATA_DIR cannot be written', async () => {
    // A file in place of the folder stops root as well, which permissions do not.
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o400);
    await expectRefusal({ DATA_DIR: join(file, 'data') }, /^carillon: DATA_DIR .* cannot be written/);
  });

  it('DATA_DIR is in use', async () => {
    const environment = { DATA_DIR: newFolder(), PORT: '0', HOST: '127.0.0.1' };
    const first = await startCarillon(environment);
    try {
      await expectRefusal(environment, new RegExp(`^carillon: DATA_DIR .* is in use by process ${first.pid}`));
    } finally {
      await first.stop();
    }
  });

  it('HOST is a name that does not resolve', async () => {
    const { code, output } = await runToEnd({ DATA_DIR: newFolder(), PORT: '0', HOST: 'no-such-host.invalid' });
    expect(code).toBe(1);
    expect(output).toMatch(/^carillon: Cannot listen on HOST no-such-host\.invalid, PORT 0: getaddrinfo.*\n$/m);
    expect(output).not.toMatch(/^ {4}at /m);
  });

  it('too few files may be open, in JSON in production', () => {
    for (const [environment, says] of [
      ['development', /^carillon: This process may open 64 files, but needs at least 1024.*\n$/],
      ['production', /^\{"level":"fatal".*This process may open 64 files, but needs at least 1024.*\}\n$/],
    ] as const) {
      const { status, stderr } = runAfter('ulimit -n 64', { NODE_ENV: environment, DATA_DIR: newFolder() });
      expect([status, stderr]).toEqual([1, expect.stringMatching(says)]);
    }
  });

  it('settings are unknown, misspelt, incomplete or wrong: names all of them, and prints no value', async () => {
    const { code, output } = await runToEnd({
      DATABASE_URI: 'postgres://user:hush@host/db',
      ADMIN_CLIENT_ID: 'boss',
      PORT: 'hush',
      MASTER_KEY: 'hush',
    });
    expect(code).toBe(1);
    for (const name of ['DATABASE_URI', 'ADMIN_CLIENT_SECRET', 'PORT', 'MASTER_KEY']) expect(output).toContain(name);
    expect(output).not.toContain('hush');
  });
});

describe('a partly restored data folder', () => {
  let whole: string;
  const environment = { PORT: '0', HOST: '127.0.0.1' };
  beforeAll(async () => {
    whole = mkdtempSync(join(tmpdir(), 'carillon-whole-'));
    await (await startCarillon({ ...environment, DATA_DIR: whole })).stop();
  }, 120_000);
  afterAll(() => rmSync(whole, { recursive: true, force: true }));

  const segment = (folder: string): string => {
    const wal = join(folder, 'postgres', 'pg_wal');
    return join(
      wal,
      readdirSync(wal).find((name) => /^[0-9A-F]{24}$/.test(name))!,
    );
  };
  it.each<[string, (folder: string) => void, RegExp]>([
    ['PG_VERSION', (folder) => rmSync(join(folder, 'postgres', 'PG_VERSION')), /PG_VERSION is missing/],
    ['base', (folder) => rmSync(join(folder, 'postgres', 'base'), { recursive: true }), /base is missing/],
    [
      'the control file',
      (folder) => rmSync(join(folder, 'postgres/global/pg_control')),
      /pg_control is missing or cut/,
    ],
    [
      'half of the control file',
      (folder) => truncateSync(join(folder, 'postgres/global/pg_control'), 100),
      /pg_control/,
    ],
    ['the log', (folder) => rmSync(join(folder, 'postgres', 'pg_wal'), { recursive: true }), /pg_wal holds no log/],
    ['half of the log', (folder) => truncateSync(segment(folder), 1_000), /pg_wal\/[0-9A-F]{24} is cut short/],
    ['the master key', (folder) => rmSync(join(folder, 'master.key')), /master\.key is missing.*restore it/],
  ])('without %s is refused in one line, and nothing is created in its place', async (_what, damage, says) => {
    const folder = join(newFolder(), 'data');
    cpSync(whole, folder, { recursive: true });
    damage(folder);
    const before = readdirSync(folder, { recursive: true }).length;
    await expectRefusal({ ...environment, DATA_DIR: folder }, says);
    expect(existsSync(join(folder, 'master.key'))).toBe(!says.source.startsWith('master'));
    if (!says.source.startsWith('master')) expect(readdirSync(folder, { recursive: true })).toHaveLength(before);
  });

  it('opens as a copy while the original runs, and logs it; an unfinished copy is made again', async () => {
    const original = await startCarillon({ ...environment, DATA_DIR: whole });
    const folder = join(newFolder(), 'data');
    cpSync(whole, folder, { recursive: true, preserveTimestamps: true });
    // The files are not under test: those of a running database may be inconsistent.
    rmSync(join(folder, 'postgres'), { recursive: true });
    mkdirSync(join(folder, 'postgres.unfinished', 'base'), { recursive: true });
    rmSync(join(folder, 'master.key'));
    const copy = await startCarillon({ ...environment, DATA_DIR: folder });
    expect(copy.output()).toMatch(/WARN.*DATA_DIR .* is a copy, its lock came along: opening it/);
    expect(existsSync(join(folder, 'postgres.unfinished'))).toBe(false);
    await copy.stop();
    await original.stop();
  }, 120_000);
});

it('in production every line of a start is JSON, with the address that it listens on', async () => {
  const carillon = await startCarillon({
    NODE_ENV: 'production',
    DATA_DIR: newFolder(),
    HOST: '::',
    PORT: '0',
    MASTER_KEY: randomBytes(32).toString('base64'),
  });
  await carillon.stop();
  const lines = carillon
    .output()
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^Administrator made, shown this once: id administrator secret \S+$/),
      expect.stringMatching(
        new RegExp(
          `^Carillon listens on http://\\[::\\]:\\d+ with the roles api, worker, scheduler;.*; zones: ${process.versions.tz}, `,
        ),
      ),
    ]),
  );
});

describe.runIf(SERVERS)('in production', () => {
  it('refuses to start without a master key, and while the predefined clients have their development secrets', async () => {
    const { environment } = await SERVERS!.prepare();
    const { MASTER_KEY: _key, ...withoutKey } = environment;
    await expectRefusal(
      { ...withoutKey, NODE_ENV: 'production' },
      /^\{"level":"fatal".*"Settings: MASTER_KEY is required/,
    );
    const development: RunningCarillon = await startCarillon(environment);
    await development.stop();
    const { code, output } = await runToEnd({ ...environment, PORT: '0', NODE_ENV: 'production' });
    expect(code).toBe(1);
    expect(output).toMatch(/refuses to start while clients have their development secrets: test, admin, push/);
  });
});
