import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Api } from '../../test/harness/api.js';
import { startCarillon } from '../../test/harness/carillon.js';
import { createDatabase, startRedis } from '../../test/harness/servers.js';
import type { Server } from '../../test/harness/servers.js';
import { messagesOf } from '../api/load.js';
import { Cluster } from '../servers/cluster.js';
import { startDurablePostgres } from '../servers/durable.js';
import type { Sender } from './measure.js';
import { tokenOf } from './sink.js';
import type { Sink } from './sink.js';

const PRELOAD = ['--import', fileURLToPath(new URL('../api/constant.mjs', import.meta.url))];
const NDJSON = 'application/x-ndjson';
/** Lines per piece of an import. */
const LINES = 1_000;
/** Devices per statement that copies them. */
const COPIES = 50_000;

interface Options {
  embedded: boolean;
  devices: number;
}

/** The program with its servers, the provider's sink, and devices whose tokens are their numbers. */
export class Stage {
  private constructor(
    readonly sink: Sink,
    readonly sender: Sender,
    /** Calls with a token for all scopes. */
    readonly api: Api,
    /** The key of the application at APNs, PEM. */
    readonly key: string,
    /** Null in the embedded mode. */
    readonly databaseUrl: string | null,
    private readonly ends: (() => unknown)[],
  ) {}

  static async open(sink: Sink, options: Options): Promise<Stage> {
    const ends: (() => unknown)[] = [];
    try {
      return await Stage.start(sink, ends, options);
    } catch (error) {
      for (const end of ends.toReversed()) await end();
      throw error;
    }
  }

  private static async start(sink: Sink, ends: (() => unknown)[], { embedded, devices }: Options): Promise<Stage> {
    const environment = { APNS_URL: sink.peer.origin, PROVIDER_CA_FILE: join(sink.peer.folder, 'cert.pem') };
    let pids: Record<string, number>;
    let url: string;
    let cluster: Cluster | undefined;
    let databaseUrl: string | null = null;
    if (embedded) {
      const folder = mkdtempSync(join(tmpdir(), 'carillon-singles-'));
      ends.push(() => rmSync(folder, { recursive: true, force: true }));
      const program = await startCarillon({ ...environment, DATA_DIR: folder }, PRELOAD);
      ends.push(() => program.stop());
      ({ url } = program);
      pids = { program: program.pid };
    } else {
      const postgres = await startDurablePostgres();
      const redis: Server | null = await startRedis();
      if (!redis) throw new Error('Redis is missing: apt-get install redis-server');
      databaseUrl = await createDatabase(postgres.url);
      const common = {
        ...environment,
        DATABASE_URL: databaseUrl,
        QUEUE_URL: redis.url,
        MASTER_KEY: randomBytes(32).toString('base64'),
      };
      const door = await startCarillon({ ...common, ROLES: 'api,scheduler' }, PRELOAD);
      const worker = await startCarillon({ ...common, ROLES: 'worker' });
      const opened = await Cluster.open(postgres);
      cluster = opened;
      ends.push(
        () => postgres.stop(),
        () => redis.stop(),
        () => opened.close(),
        () => Promise.all([door.stop(), worker.stop()]),
      );
      ({ url } = door);
      pids = { api: door.pid, worker: worker.pid, postgres: postgres.pid, redis: redis.pid };
    }
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    const api = await addApplication(url, 'com.example.bench', String(key));
    await importDevices(api, devices);
    const bodyOf = (device: number): string =>
      `{"message":{"alert":"Your code is ${100_000 + device}"},"target":{"deviceIds":["device-${device}"]}}`;
    return new Stage(
      sink,
      { target: messagesOf(api), bodyOf, pids: { ...pids, sink: sink.peer.pid }, cluster },
      api,
      String(key),
      databaseUrl,
      ends,
    );
  }

  /** Copies the application's first device, with SQL, as the devices from `from` to `to`. */
  async copyDevices(applicationId: string, from: number, to: number): Promise<void> {
    await this.query(async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `select column_name as name from information_schema.columns
         where table_name = 'device' and is_identity = 'NO' order by ordinal_position`,
      );
      const token = `(left(origin.token, -8) || lpad(to_hex(n), 8, '0'))`;
      const changes: Record<string, string> = {
        device_id: `'device-' || n`,
        user_id: `'user-' || n`,
        token,
        token_hash: `sha256(${token}::bytea)`,
      };
      const names = rows.map(({ name }) => name);
      const values = names.map((name) => changes[name] ?? `origin.${name}`);
      for (let next = from; next < to; next += COPIES)
        await client.query(
          `insert into device (${names.join()}) select ${values.join()}
           from (select * from device where application_id = $1 and device_id = 'device-0') as origin,
             generate_series($2::int, $3::int) as n`,
          [applicationId, next, Math.min(to, next + COPIES) - 1],
        );
    });
  }

  /** Returns the bytes of the table of devices with its indexes. */
  async analyse(): Promise<number> {
    return this.query(async (client) => {
      await client.query('vacuum (analyze)');
      const { rows } = await client.query<{ size: number }>(`select pg_total_relation_size('device')::float8 as size`);
      return rows[0]?.size ?? NaN;
    });
  }

  private async query<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.databaseUrl! });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** Ends the program; the servers stay. */
  async stopProgram(): Promise<void> {
    await this.ends.pop()?.();
  }

  /** In the reverse order of the starts. */
  async close(): Promise<void> {
    for (const end of this.ends.toReversed()) await end();
  }
}

/** An application with settings for the sink. */
export async function addApplication(url: string, applicationId: string, key: string): Promise<Api> {
  const api = await Api.connect(url, applicationId);
  const settings = { key, keyId: 'KEY1234567', teamId: 'TEAM123456', bundleId: 'com.example.bench' };
  await api.call('POST', '/apps', { applicationId });
  const answer = await api.app('PUT', '/settings/apnsConf', settings);
  if (answer.status !== 200) throw new Error(`settings: ${answer.status} ${JSON.stringify(answer.body)}`);
  return api;
}

export async function importDevices(api: Api, devices: number): Promise<void> {
  const answer = await api.raw('POST', '/devices:import', linesOf(devices), { 'content-type': NDJSON, accept: NDJSON });
  let end = '';
  for await (const chunk of answer.body ?? []) end = (end + Buffer.from(chunk).toString()).slice(-1_000);
  if (answer.status !== 200 || !end.includes('"trailer"')) throw new Error(`import: ${answer.status} ${end}`);
}

/** Many lines at once: a small piece costs as much as a large one. */
async function* linesOf(devices: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < devices; from += LINES) {
    const numbers = Array.from({ length: Math.min(LINES, devices - from) }, (_, index) => from + index);
    const lines = numbers.map(
      (number) =>
        `{"deviceId":"device-${number}","platform":"A","token":"${tokenOf(number)}","userId":"user-${number}"}\n`,
    );
    yield Buffer.from(lines.join(''));
  }
}
