import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/database/database.js';
import { findBinary, findMissing, findServer } from './programs.js';
import type { ServerPrograms } from './programs.js';

/**
 * Real servers for the tests: those of TEST_DATABASE_URL and TEST_REDIS_URL, or servers started here if their binaries
 * exist.
 */

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL in which tests may create databases. */
    postgresUrl: string;
    /** A migrated database of the server without connections, to copy. */
    postgresTemplate: string;
    redisUrl: string | null;
    /**
     * A migrated and closed folder of the embedded database, without fsync, to copy.
     */
    embeddedFolder: string;
  }
}

const START_TIMEOUT_MS = 30_000;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers: Server[] = [];
  const keep = (server: Server): string => {
    servers.push(server);
    return server.url;
  };
  const missing = findMissing();
  if (missing.length > 0 && process.env.CI === 'true') throw new Error(`CI=true demands ${missing.join(', ')}`);
  if (missing.length > 0)
    console.warn(`Not installed, and the tests that need them are left out: ${missing.join(', ')}`);
  const postgresUrl = process.env.TEST_DATABASE_URL ?? keep(await startPostgres());
  project.provide('postgresUrl', postgresUrl);
  const databaseUrl = await createDatabase(postgresUrl);
  await (await openDatabase({ databaseUrl, dataDir: '' })).close();
  const template = new URL(databaseUrl).pathname.slice(1);
  project.provide('postgresTemplate', template);
  const redis = process.env.TEST_REDIS_URL === undefined ? await startRedis() : null;
  project.provide('redisUrl', process.env.TEST_REDIS_URL ?? (redis && keep(redis)));
  const embedded = mkdtempSync(join(tmpdir(), 'carillon-template-'));
  await (await openDatabase({ dataDir: embedded })).close();
  appendFileSync(
    join(embedded, 'postgres', 'postgresql.conf'),
    'fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n',
  );
  project.provide('embeddedFolder', embedded);
  return async () => {
    await onServer(postgresUrl, `drop database ${template}`);
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(embedded, { recursive: true, force: true });
  };
}

export interface Server {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

export interface PostgresServer extends Server {
  /**
   * Stops and starts the server at the same address; the modes are pg_ctl's: after `immediate` the next start recovers.
   */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
}

/**
 * A PostgreSQL cluster of its own in a temporary folder, without fsync: of Debian, or of the embedded database.
 * `keepsCommits`: a commit has left the server's memory when it is answered, so that a crash of the server (not of the
 * machine) loses none. `standby`: answers reads and waits for a primary that never comes. `settings`: further ones as
 * `name=value`, which replace those above. `environment`: variables for the server, besides the caller's.
 */
export async function startPostgres({
  keepsCommits = false,
  standby = false,
  settings: further = [],
  environment = {},
}: {
  keepsCommits?: boolean;
  standby?: boolean;
  settings?: readonly string[];
  environment?: Record<string, string>;
} = {}): Promise<PostgresServer> {
  const programs = findServer();
  const { owner, how, command } = programs;
  const folder = mkdtempSync(join(tmpdir(), 'carillon-postgres-'));
  const give = (path: string): void => (owner ? chownSync(path, owner.uid, owner.gid) : undefined);
  give(folder);
  const data = join(folder, 'data');
  const making = ['-D', data, '-U', 'carillon', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  execFileSync(...command('initdb', making), { ...how, stdio: 'pipe', cwd: folder });
  if (standby) {
    writeFileSync(join(data, 'standby.signal'), '');
    give(join(data, 'standby.signal'));
  }
  const settings = [`synchronous_commit=${keepsCommits ? 'on' : 'off'}`, ...further];
  return launchPostgres(programs, folder, settings, environment);
}

/** Starts the server of the folder `data` in `folder`. */
export async function launchPostgres(
  { how, command, remove }: ServerPrograms,
  folder: string,
  further: readonly string[],
  environment: Record<string, string> = {},
): Promise<PostgresServer> {
  const data = join(folder, 'data');
  const port = await freePort();
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    'fsync=off',
    'full_page_writes=off',
    // For several processes at once, with up to 47 connections each (docs/operations.md).
    'max_connections=200',
    ...further,
  ];
  const url = `postgres://carillon@127.0.0.1:${port}/postgres`;
  const begin = async (): Promise<ChildProcess> => {
    const options = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
    const child = spawn(...command('postgres', options), {
      ...how,
      env: { ...process.env, ...how.env, ...environment },
      stdio: 'ignore',
      cwd: folder,
    });
    await until(child, async () => {
      const client = new pg.Client({ connectionString: url });
      try {
        await client.connect();
      } finally {
        await client.end().catch(() => undefined);
      }
    });
    return child;
  };
  let child = await begin();
  return {
    url,
    get pid() {
      return child.pid ?? 0;
    },
    // SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one.
    restart: async (mode) => {
      await end(child, mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      child = await begin();
    },
    stop: async () => {
      await stop(child, 'SIGINT', folder);
      remove();
    },
  };
}

export async function startRedis(port?: number): Promise<Server | null> {
  const binary = findBinary('redis-server') ?? findBinary('valkey-server');
  if (!binary) return null;
  const folder = mkdtempSync(join(tmpdir(), 'carillon-redis-'));
  const chosen = port ?? (await freePort());
  const flags = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--maxmemory-policy', 'noeviction'];
  const child = spawn(binary, [...flags, '--dir', folder], { stdio: 'ignore' });
  await until(child, () => connectOnce(chosen));
  return { url: `redis://127.0.0.1:${chosen}`, pid: child.pid ?? 0, stop: () => stop(child, 'SIGTERM', folder) };
}

/** Creates a database in the server: empty, or a copy of the template, which takes a tenth of the migrations' time. */
export async function createDatabase(serverUrl: string, template = 'template1'): Promise<string> {
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
  await onServer(serverUrl, `create database ${name} template ${template}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export async function onServer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Claims one of the server's databases, emptied, in turn, so that fifteen concurrent claims differ. */
export async function claimRedisDatabase(serverUrl: string): Promise<string> {
  const redis = new Redis(serverUrl);
  try {
    const turn = await redis.incr('carillon:test:databases');
    const database = 1 + (turn % 15);
    await redis.pipeline().select(database).flushdb().exec();
    return `${serverUrl}/${database}`;
  } finally {
    redis.disconnect();
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * The first of free ports in a row. They are below 32,768, where Linux begins to take ports for outgoing connections:
 * such a port cannot be listened on.
 */
export async function freePortsInRow(count: number): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * (12_000 - count));
    const servers = Array.from({ length: count }, (_, index) => createServer().listen(first + index, '127.0.0.1'));
    const heard = await Promise.allSettled(servers.map((server) => once(server, 'listening')));
    await Promise.all(servers.filter((server) => server.listening).map((server) => once(server.close(), 'close')));
    if (heard.every(({ status }) => status === 'fulfilled')) return first;
  }
}

export async function takesConnections(port: number): Promise<boolean> {
  return connectOnce(port).then(
    () => true,
    () => false,
  );
}

async function connectOnce(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

/** Tries again until the server answers, ends, or the time is over. */
async function until(child: ChildProcess, answers: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode} at start`);
    try {
      return await answers();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(50);
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

async function stop(child: ChildProcess, signal: NodeJS.Signals, folder: string): Promise<void> {
  await end(child, signal);
  rmSync(folder, { recursive: true, force: true });
}
