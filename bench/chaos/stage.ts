import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type pg from 'pg';
import { openDatabase } from '../../src/database/database.js';
import type { Database } from '../../src/database/database.js';
import { freePort, startPostgres, startRedis } from '../../test/harness/servers.js';
import type { PostgresServer, Server } from '../../test/harness/servers.js';
import { Member } from './member.js';

export interface Place {
  database: 'servers' | 'embedded';
  /** Of `servers`. */
  queue: 'redis' | 'postgres';
}

/** Names the missing server program. */
export class MissingProgram extends Error {}

const ROLES = { api: 'api', scheduler: 'scheduler', 'worker-1': 'worker', 'worker-2': 'worker' };

/** The program's processes, their servers, and ways to damage both. */
export class Stage {
  readonly members: Member[];
  /** The number of deliveries in flight at crashes, which may be repeated. */
  inFlightAtCrashes = 0;
  private open: Database | null = null;

  private constructor(
    environment: Record<string, string>,
    readonly url: string,
    private readonly postgres: PostgresServer | null,
    private redis: Server | null,
    private readonly folder: string,
  ) {
    const { port } = new URL(url);
    this.members = postgres
      ? Object.entries(ROLES).map(([name, role]) => {
          const PORT = role === 'api' ? port : '0';
          return new Member(name, { ...environment, ROLES: role, PORT });
        })
      : [new Member('everything', { ...environment, PORT: port })];
  }

  static async open({ database, queue }: Place, settings: Record<string, string>): Promise<Stage> {
    const url = `http://127.0.0.1:${await freePort()}`;
    const folder = mkdtempSync(join(tmpdir(), 'carillon-chaos-'));
    if (database === 'embedded') return new Stage({ ...settings, DATA_DIR: folder }, url, null, null, folder);
    const postgres = await startPostgres({ keepsCommits: true });
    const redis = queue === 'redis' ? await startRedis() : null;
    if (queue === 'redis' && !redis) {
      await postgres.stop();
      throw new MissingProgram('Redis is missing: install redis-server, or run with --queue=postgres');
    }
    const environment: Record<string, string> = {
      ...settings,
      DATABASE_URL: postgres.url,
      MASTER_KEY: randomBytes(32).toString('base64'),
      ...(redis && { QUEUE_URL: redis.url }),
    };
    return new Stage(environment, url, postgres, redis, folder);
  }

  async start(): Promise<void> {
    // The first one migrates and creates the sample application.
    const [first, ...others] = this.members;
    await first?.start();
    await Promise.all(others.map((member) => member.start()));
  }

  /** Reads or writes the tables; for the embedded database the program is stopped first and stays so until `start`. */
  async withTables<T>(use: (pool: pg.Pool) => Promise<T>): Promise<T> {
    if (this.postgres) {
      this.open ??= await this.openTables();
      return use(this.open.pool);
    }
    for (const member of this.members) await member.stop();
    return this.lookInto(use);
  }

  /** SIGKILL; the process starts again after at least `pauseMs`; this is not awaited. */
  async kill(name: string, pauseMs: number): Promise<string> {
    const member = this.members.find((each) => each.name === name);
    if (!member) throw new Error(`no process ${name}`);
    await member.kill();
    const held = this.postgres
      ? name.startsWith('worker')
        ? await this.withTables(countInFlight)
        : 0
      : await this.lookInto(countInFlight);
    this.inFlightAtCrashes += held;
    void delay(pauseMs).then(() => member.start());
    return `${held} in flight`;
  }

  async flushRedis(): Promise<string> {
    const client = new Redis(this.redis?.url ?? '');
    await client.flushall();
    client.disconnect();
    return '';
  }

  async restartRedis(pauseMs: number): Promise<string> {
    const port = Number(new URL(this.redis?.url ?? '').port);
    await this.redis?.stop();
    await delay(pauseMs);
    this.redis = await startRedis(port);
    return `away for ${pauseMs} ms`;
  }

  /** The number of deliveries in flight at the return, whose results may be lost because they could not be recorded. */
  async restartPostgres(mode: 'fast' | 'immediate'): Promise<string> {
    const started = performance.now();
    await this.postgres?.restart(mode);
    const held = await this.withTables(countInFlight);
    this.inFlightAtCrashes += held;
    return `away for ${Math.round(performance.now() - started)} ms, ${held} in flight`;
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    await this.open?.close();
    await this.postgres?.stop();
    await this.redis?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private openTables(): Promise<Database> {
    return openDatabase({ databaseUrl: this.postgres?.url, dataDir: this.folder });
  }

  private async lookInto<T>(use: (pool: pg.Pool) => Promise<T>): Promise<T> {
    const database = await this.openTables();
    try {
      return await use(database.pool);
    } finally {
      await database.close();
    }
  }
}

async function countInFlight(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ held: number }>(
    `select coalesce(sum(counts[2]), 0)::int as held from batch where state = 'leased'`,
  );
  return rows[0]?.held ?? 0;
}
