import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { openDatabase } from '../../src/database/database.js';
import { Api } from '../../test/harness/api.js';
import { startCarillon } from '../../test/harness/carillon.js';
import type { RunningCarillon } from '../../test/harness/carillon.js';
import { createDatabase, startRedis } from '../../test/harness/servers.js';
import type { Server } from '../../test/harness/servers.js';
import { startNginx } from '../../test/medium/http2/real-peers.js';
import type { RealPeer } from '../../test/medium/http2/real-peers.js';
import { Cluster } from '../servers/cluster.js';
import type { ClusterCost } from '../servers/cluster.js';
import { startDurablePostgres } from '../servers/durable.js';
import { cpuSeconds, watchMemory } from './usage.js';

/** The prefix of tokens for single messages: nginx logs their arrival. */
const CODE_PREFIX = 'c0de';
const MB = 1_048_576;
const FINISH_TIMEOUT_MS = 900_000;

export interface Broadcast {
  devices: number;
  perSecond: number;
  /** Per delivery, of each process or server. */
  cpuUs: Record<string, number>;
  /** Per delivery. */
  cluster: ClusterCost;
  /** Peaks. */
  memoryMb: Record<string, number>;
  /** Per million deliveries. */
  growthMb: { database: number; redis: number };
}

/** The servers, an application for each size of audience, and the program as an api and a worker process. */
export class Stage {
  private carillons: { api: RunningCarillon; worker: RunningCarillon } | undefined;
  private readonly folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
  private readonly audiences: number[] = [];
  private readonly apis = new Map<number, Api>();
  private codes = 0;

  private constructor(
    readonly sink: RealPeer,
    readonly codesLog: string,
    private readonly postgres: Server,
    private readonly cluster: Cluster,
    private readonly redis: Server,
    readonly environment: Record<string, string>,
    readonly database: pg.Pool,
  ) {}

  static async open({ queue = 'redis' }: { queue?: 'redis' | 'database' } = {}): Promise<Stage> {
    const postgres = await startDurablePostgres();
    const redis = await startRedis();
    if (!redis) throw new Error('Redis is missing: apt-get install redis-server');
    const sink = await startNginx(
      `keepalive_requests 1000000000; keepalive_time 24h; http2_max_concurrent_streams 1000;
      add_header apns-id $http_apns_id;
      location /3/device/${CODE_PREFIX} { access_log codes.log code; return 200; }
      location / { return 200; }`,
      `log_format code '$msec $uri';`,
    );
    const databaseUrl = await createDatabase(postgres.url);
    const environment = {
      DATABASE_URL: databaseUrl,
      ...(queue === 'redis' && { QUEUE_URL: redis.url }),
      MASTER_KEY: randomBytes(32).toString('base64'),
      APNS_URL: sink.origin,
      PROVIDER_CA_FILE: join(sink.folder, 'cert.pem'),
    };
    const database = await openDatabase({ databaseUrl, dataDir: '' });
    await database.close();
    const pool = new pg.Pool({ connectionString: databaseUrl });
    // The server ends before the last connection is closed.
    pool.on('error', () => undefined);
    return new Stage(
      sink,
      join(sink.folder, 'codes.log'),
      postgres,
      await Cluster.open(postgres),
      redis,
      environment,
      pool,
    );
  }

  /** Inserts devices into the table directly: their registration is not measured here. */
  async addApplication(devices: number): Promise<void> {
    await this.database.query('insert into application (id) values ($1)', [applicationOf(devices)]);
    await this.database.query(
      `insert into device (application_id, device_id, platform, provider, token, token_hash, user_id, registered_at, updated_at)
       select $1, 'device-' || n, 'A', 'apns', encode(sha256(('bench' || n)::bytea), 'hex'),
         sha256(encode(sha256(('bench' || n)::bytea), 'hex')::bytea), 'user-' || n % 1000, now(), now()
       from generate_series(1, $2) as n`,
      [applicationOf(devices), devices],
    );
    await this.database.query('vacuum analyze device');
    this.audiences.push(devices);
  }

  /** `ofWorker`: further settings of the worker. */
  async start(workerFlags: readonly string[] = [], ofWorker: Record<string, string> = {}): Promise<void> {
    const api = await startCarillon({ ...this.environment, ROLES: 'api,scheduler' });
    const worker = await startCarillon({ ...this.environment, ROLES: 'worker', ...ofWorker }, workerFlags);
    this.carillons = { api, worker };
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    for (const devices of this.audiences) {
      const client = await Api.connect(api.url, applicationOf(devices));
      this.apis.set(devices, client);
      const settings = { key, keyId: 'KEY1234567', teamId: 'TEAM123456', bundleId: 'com.example.bench' };
      const answer = await client.app('PUT', '/settings/apnsConf', settings);
      if (answer.status !== 200) throw new Error(`settings: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
  }

  get workerPid(): number {
    return this.carillons!.worker.pid;
  }

  api(devices: number): Api {
    return this.apis.get(devices)!;
  }

  /** A device outside of every broadcast. */
  async addCodeDevice(devices: number): Promise<{ deviceId: string; token: string }> {
    const deviceId = `code-${++this.codes}`;
    const token = CODE_PREFIX + randomBytes(30).toString('hex');
    await this.database.query(
      `insert into device (application_id, device_id, platform, provider, token, token_hash, registered_at, updated_at, broadcast)
       values ($1, $2, 'A', 'apns', $3::text, sha256($3::text::bytea), now(), now(), false)`,
      [applicationOf(devices), deviceId, token],
    );
    return { deviceId, token };
  }

  /** Sends to all devices of an application and waits until every one is accepted. */
  async broadcast(devices: number): Promise<Broadcast> {
    const { api, worker } = this.carillons!;
    const pids = { worker: worker.pid, api: api.pid, postgres: this.postgres.pid, redis: this.redis.pid };
    const servers = { ...pids, nginx: this.sink.pid };
    const cpuBefore = mapValues(servers, cpuSeconds);
    const sizeBefore = await this.sizes();
    const memory = watchMemory({ worker: worker.pid, api: api.pid });
    const started = performance.now();
    const cluster = await this.cluster.measure(() => this.send(devices));
    const seconds = (performance.now() - started) / 1_000;
    const sizes = await this.sizes();
    const perMillion = 1_000_000 / devices / MB;
    return {
      devices,
      perSecond: devices / seconds,
      cpuUs: mapValues(servers, (pid, name) => ((cpuSeconds(pid) - cpuBefore[name]!) / devices) * 1e6),
      cluster,
      memoryMb: await memory.stop(),
      growthMb: {
        database: (sizes.database - sizeBefore.database) * perMillion,
        redis: (sizes.redis - sizeBefore.redis) * perMillion,
      },
    };
  }

  /** Returns the number of devices when all have accepted. */
  private async send(devices: number): Promise<number> {
    const messageId = await this.api(devices).send({ message: { alert: 'To everybody' } });
    const finished = ({ state }: { state: string }): boolean => state === 'finished';
    const report = await this.api(devices).waitFor(messageId, finished, FINISH_TIMEOUT_MS, 100);
    if (report.outcomes.accepted !== devices)
      throw new Error(`not every device was accepted: ${JSON.stringify(report)}`);
    return devices;
  }

  /** A broadcast by several worker processes, after one that warms their compilers. */
  async broadcastBy(workers: number, devices: number): Promise<Broadcast> {
    await this.stopCarillons();
    await this.start([], { WORKERS: String(workers) });
    await this.broadcast(devices);
    return this.broadcast(devices);
  }

  /** A broadcast with the worker under the profiler, in a separate process. */
  async profile(devices: number): Promise<{ file: string; devices: number }> {
    if (!this.audiences.includes(devices)) await this.addApplication(devices);
    await this.stopCarillons();
    await this.start(['--cpu-prof', `--cpu-prof-dir=${this.folder}`]);
    await this.broadcast(devices);
    await this.stopCarillons();
    const name = readdirSync(this.folder).find((file) => file.endsWith('.cpuprofile'));
    if (name === undefined) throw new Error('the worker left no profile');
    return { file: join(this.folder, name), devices };
  }

  async close(): Promise<void> {
    await this.stopCarillons();
    await this.database.end();
    await this.cluster.close();
    await Promise.all([this.sink, this.postgres, this.redis].map((server) => server.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async stopCarillons(): Promise<void> {
    const { carillons } = this;
    this.carillons = undefined;
    if (carillons) await Promise.all([carillons.api.stop(), carillons.worker.stop()]);
  }

  /** Bytes. */
  private async sizes(): Promise<{ database: number; redis: number }> {
    const { rows } = await this.database.query<{ size: string }>('select pg_database_size(current_database()) as size');
    const redis = new Redis(this.redis.url);
    const used = /used_memory:(\d+)/.exec(await redis.info('memory'))?.[1];
    redis.disconnect();
    return { database: Number(rows[0]?.size), redis: Number(used) };
  }
}

function applicationOf(devices: number): string {
  return `com.example.bench${devices}`;
}

function mapValues<V>(values: Record<string, number>, map: (value: number, name: string) => V): Record<string, V> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value, name)]));
}
