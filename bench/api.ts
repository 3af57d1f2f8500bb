import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Api, requestToken } from '../test/harness/api.js';
import { startCarillon } from '../test/harness/carillon.js';
import type { RunningCarillon } from '../test/harness/carillon.js';
import { createDatabase, startRedis } from '../test/harness/servers.js';
import { applyLoad } from './api/load.js';
import type { Load, Target } from './api/load.js';
import { cpuSeconds } from './broadcast/usage.js';
import { Cluster, clusterCells } from './servers/cluster.js';
import type { ClusterCost } from './servers/cluster.js';
import { startDurablePostgres } from './servers/durable.js';

/**
 * Measures the API on PostgreSQL and Redis: registrations of devices, and messages to one device, each committed before
 * its answer; compared with a process with the same guard and body parser that answers a constant, and with one that
 * logs no requests. Generator, program and servers share the machine, so only the ratios count.
 */

/** Few connections, and enough to make a commit worth sharing. */
const CONNECTIONS = (process.env.CONNECTIONS ?? '64,256').split(',').map(Number);
const MOST = Math.max(...CONNECTIONS);
const ROUND_MS = 3_000;
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const DEVICES = 2_000;
/** Accepting a message must reach at least this share of the constant's rate. */
const SHARE = 0.5;
const APPLICATION = 'com.example.app';
const PRELOAD = fileURLToPath(new URL('api/constant.mjs', import.meta.url));

const LOGGED = 'message to one device';
const NOT_LOGGED = 'message, no log';

interface Row extends Load {
  what: string;
  connections: number;
  /** µs per request. */
  programCpu: number;
  redisCpu: number;
  /** Per request. */
  cluster: ClusterCost;
}

const postgres = await startDurablePostgres();
const postgresFigures = await Cluster.open(postgres);
const redis = await startRedis();
if (!redis) throw new Error('Redis is missing: apt-get install redis-server');
const ADMIN = { id: 'bench', secret: randomBytes(24).toString('hex') };
const environment = {
  // The log of production: a line of JSON for each request.
  NODE_ENV: 'production',
  ROLES: 'api',
  DATABASE_URL: await createDatabase(postgres.url),
  QUEUE_URL: redis.url,
  MASTER_KEY: randomBytes(32).toString('base64'),
  ADMIN_CLIENT_ID: ADMIN.id,
  ADMIN_CLIENT_SECRET: ADMIN.secret,
};
const carillon = await startCarillon(environment, ['--import', PRELOAD]);
const quiet = await startCarillon({ ...environment, LOG_LEVEL: 'warn' }, ['--import', PRELOAD]);
try {
  const answer = await requestToken(carillon.url, { ...ADMIN, scope: '*' });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const made = await new Api(carillon.url, token, APPLICATION).call('POST', '/apps', { applicationId: APPLICATION });
  if (made.status !== 201) throw new Error(`${APPLICATION}: ${made.status} ${JSON.stringify(made.body)}`);
  const portOf = ({ url }: RunningCarillon): number => Number(new URL(url).port);
  const app = `/imfpush/v1/apps/${APPLICATION}`;
  const devices: Target = { port: portOf(carillon), path: `${app}/devices`, token, status: 201 };
  const messages: Target = { port: portOf(carillon), path: `${app}/messages`, token, status: 202 };

  let registered = 0;
  const deviceBody = (): string => {
    const number = registered++;
    return `{"deviceId":"device-${number}","platform":"A","token":"${number.toString(16).padStart(64, '0')}","userId":"user-${number}"}`;
  };
  const messageBody = (index: number): string =>
    `{"message":{"alert":"Your code is ${100_000 + (index % 900_000)}"},"target":{"deviceIds":["device-${index % DEVICES}"]}}`;
  const constantBody = (index: number): string => `{"constant":true,${messageBody(index).slice(1)}`;

  const kinds: [string, Target, (index: number) => string, RunningCarillon][] = [
    ['constant', messages, constantBody, carillon],
    [LOGGED, messages, messageBody, carillon],
    [NOT_LOGGED, { ...messages, port: portOf(quiet) }, messageBody, quiet],
    ['device registration', devices, deviceBody, carillon],
  ];
  const rounds = new Map<string, Row[]>();
  // The first devices receive the messages; the compiler is warm before the measurement.
  while (registered < DEVICES) await applyLoad(devices, deviceBody, { connections: MOST, ms: 500 });
  for (const [, target, body] of kinds) await applyLoad(target, body, { connections: MOST, ms: ROUND_MS });
  // In turns, so that a machine that becomes slower affects all.
  for (let round = 0; round < ROUNDS; round++)
    for (const connections of CONNECTIONS)
      for (const [what, target, body, { pid: program }] of kinds) {
        const before = [program, redis.pid].map(cpuSeconds);
        let load: Load | undefined;
        const cluster = await postgresFigures.measure(async () => {
          load = await applyLoad(target, body, { connections, ms: ROUND_MS });
          return load.requests;
        });
        const { requests } = load!;
        const [programCpu = 0, redisCpu = 0] = [program, redis.pid].map(
          (pid, index) => ((cpuSeconds(pid) - (before[index] ?? 0)) / requests) * 1e6,
        );
        const key = `${what} ${connections}`;
        const row = { what, connections, ...load!, programCpu, redisCpu, cluster };
        rounds.set(key, [...(rounds.get(key) ?? []), row]);
      }
  report([...rounds.values()].map(medianRow));
} finally {
  await carillon.stop();
  await quiet.stop();
  await postgresFigures.close();
  await postgres.stop();
  await redis.stop();
}

/** The round with the median rate. */
function medianRow(list: readonly Row[]): Row {
  return list.toSorted((a, b) => a.perSecond - b.perSecond)[Math.floor(list.length / 2)]!;
}

function report(rows: readonly Row[]): void {
  const print = (cells: (string | number)[]): void =>
    void process.stdout.write(`${cells.map((cell, index) => String(cell).padEnd(index === 0 ? 26 : 14)).join('')}\n`);
  print(['', 'connections', 'per second', 'of constant', 'p50 ms', 'p99 ms', 'CPU µs each', 'Redis']);
  const shareOf = ({ connections, perSecond }: Row): number =>
    perSecond / (rows.find((row) => row.connections === connections)?.perSecond ?? 0);
  for (const row of rows) {
    const cpu = [row.programCpu, row.redisCpu].map((each) => each.toFixed(0));
    const times = [row.p50.toFixed(1), row.p99.toFixed(1)];
    print([row.what, row.connections, row.perSecond.toFixed(0), shareOf(row).toFixed(2), ...times, ...cpu]);
  }
  console.log('PostgreSQL, a request');
  console.table(rows.map(({ what, connections, cluster }) => ({ what, connections, ...clusterCells(cluster) })));
  const messages = rows.filter(({ what }) => what === LOGGED);
  const unlogged = rows.filter(({ what }) => what === NOT_LOGGED);
  const shares = Object.fromEntries(messages.map((row) => [row.connections, Number(shareOf(row).toFixed(2))]));
  // The program's CPU with a line of the log for each request, in terms of its CPU without.
  const log = Object.fromEntries(
    messages.map(({ connections, programCpu }, index) => [
      connections,
      Number((programCpu / unlogged[index]!.programCpu).toFixed(3)),
    ]),
  );
  const kept = Math.max(...Object.values(shares)) >= SHARE;
  process.stdout.write(`${JSON.stringify({ bench: 'api', rows, shares, log, kept })}\n`);
}
