import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../src/database/database.js';
import { Api } from '../test/harness/api.js';
import { startCarillon } from '../test/harness/carillon.js';
import { createDatabase, startPostgres, startRedis } from '../test/harness/servers.js';
import type { Server } from '../test/harness/servers.js';

/** One broadcast to sandbox devices, on the embedded database and on PostgreSQL with Redis: devices, seconds, CPU and memory. */

const DEVICES = Number(process.env.DEVICES ?? 100_000);
const APPLICATION = 'com.example.app';
const CLOCK_TICKS = 100; // of /proc/<pid>/stat, per second

interface Row {
  stage: string;
  devices: number;
  seconds: number;
  perSecond: number;
  cpuUsPerDelivery: number;
  peakMemoryMb: number;
}

async function run(stage: string, environment: Record<string, string>): Promise<Row> {
  // The first start makes the sample application; devices are put into the table directly, their registration is not measured here.
  const first = await startCarillon(environment);
  await first.stop();
  await addDevices(environment);
  const carillon = await startCarillon(environment);
  const api = await Api.connect(carillon.url);
  const sampling = samplePeak(carillon.pid);
  const cpuBefore = cpuSeconds(carillon.pid);
  const started = performance.now();
  const messageId = await api.send({ message: { alert: 'To everybody' } });
  const report = await api.waitFor(messageId, ({ state }) => state === 'finished', 600_000);
  const seconds = (performance.now() - started) / 1_000;
  const cpu = cpuSeconds(carillon.pid) - cpuBefore;
  const peakMemoryMb = await sampling.stop();
  await carillon.stop();
  if (report.outcomes.accepted !== report.audience || report.audience < DEVICES)
    throw new Error(`${stage}: not every device was accepted: ${JSON.stringify(report)}`);
  return {
    stage,
    devices: report.audience,
    seconds,
    perSecond: report.audience / seconds,
    cpuUsPerDelivery: (cpu / report.audience) * 1e6,
    peakMemoryMb,
  };
}

async function addDevices(environment: Record<string, string>): Promise<void> {
  const database = await openDatabase({ databaseUrl: environment.DATABASE_URL, dataDir: environment.DATA_DIR ?? '' });
  try {
    await database.pool.query(
      `insert into device (application_id, device_id, platform, provider, token, token_hash, user_id, registered_at, updated_at)
       select '${APPLICATION}', 'bench-' || n, 'G', 'sandbox', 'sandbox:accepted:' || n, sha256(('bench' || n)::bytea),
         'user-' || n % 1000, now(), now()
       from generate_series(1, ${DEVICES}) as n`,
    );
    await database.pool.query('analyze');
  } finally {
    await database.close();
  }
}

/** Linux: user and system time of a process. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

function samplePeak(pid: number): { stop: () => Promise<number> } {
  let peak = 0;
  let sampling = true;
  const done = (async () => {
    while (sampling) {
      const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      peak = Math.max(peak, Number(resident ?? 0) / 1_024);
      await delay(50);
    }
  })();
  return {
    stop: async () => {
      sampling = false;
      await done;
      return peak;
    },
  };
}

const rows: Row[] = [];
const folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'));
const servers: Server[] = [];
try {
  rows.push(await run('embedded', { DATA_DIR: folder }));
  const [postgres, redis] = [await startPostgres(), await startRedis()];
  servers.push(...[postgres, redis].filter((server) => server !== null));
  if (postgres && redis)
    rows.push(
      await run('PostgreSQL + Redis', {
        DATABASE_URL: await createDatabase(postgres.url),
        QUEUE_URL: redis.url,
        MASTER_KEY: randomBytes(32).toString('base64'),
      }),
    );
  else process.stdout.write('PostgreSQL + Redis: left out, install postgresql and redis-server\n');
} finally {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}

process.stdout.write(
  `${'stage'.padEnd(20)}${['devices', 'seconds', 'per second', 'CPU µs each', 'peak MB'].map((head) => head.padStart(13)).join('')}\n`,
);
for (const row of rows) {
  const numbers = [
    row.devices,
    row.seconds.toFixed(2),
    row.perSecond.toFixed(0),
    row.cpuUsPerDelivery.toFixed(1),
    row.peakMemoryMb.toFixed(0),
  ];
  process.stdout.write(`${row.stage.padEnd(20)}${numbers.map((number) => String(number).padStart(13)).join('')}\n`);
}
process.stdout.write(`${JSON.stringify({ bench: 'broadcast', stages: rows })}\n`);
