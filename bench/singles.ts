/**
 * Single messages to single devices, as backends send them: the built program as an api and a worker process on a
 * durable PostgreSQL and Redis, one nginx as the provider, all in one run beside the framework answering a constant.
 *
 *   npm run bench:singles                                   1, 16, 64, 256 and 1,024 connections for 10 s each
 *   npm run bench:singles -- --connections=64 --seconds=10  less than two minutes
 *   npm run bench:singles -- --embedded                     one process with the embedded database and queue
 *
 * Then an open loop at half of the best rate, and codes one after the other without other work. Prints accepted and
 * delivered messages a second and their share of the constant, the time from a request to its 202 and from the 202 to
 * the provider's answer, CPU of each process, and statements, WAL, writes and flushes of PostgreSQL, per message. Needs
 * nginx, PostgreSQL and Redis (Debian: nginx-light, postgresql, redis-server) and Linux' /proc. Exits non-zero when a
 * message has not arrived; never because the machine was slow.
 */
import { parseArgs } from 'node:util';
import { clusterCells } from './servers/cluster.js';
import { measureConstant, measureIdle, measureSingles } from './singles/measure.js';
import type { Singles } from './singles/measure.js';
import { Stage } from './singles/stage.js';

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '1,16,64,256,1024' },
    seconds: { type: 'string', default: '10' },
    embedded: { type: 'boolean', default: false },
  },
});
const levels = options.connections.split(',').map(Number);
const ms = Number(options.seconds) * 1_000;
const { embedded } = options;
const DEVICES = embedded ? 10_000 : 50_000;
const WARM_MS = 3_000;
/** Enough connections that none of the open loop's requests waits for one. */
const OPEN_CONNECTIONS = 256;

interface Row extends Singles {
  what: string;
  constantPerSecond?: number;
}

function toCells({ what, constantPerSecond, ...row }: Row): Record<string, string | number | null> {
  const cpu = Object.entries(row.cpuUs).map(([name, us]) => [`${name} µs`, Math.round(us)]);
  return {
    what,
    'accepted/s': Math.round(row.acceptedPerSecond),
    'delivered/s': Math.round(row.deliveredPerSecond),
    'of constant': constantPerSecond ? round(row.deliveredPerSecond / constantPerSecond, 3) : null,
    backlog: row.backlog,
    'drain s': round(row.drainSeconds),
    'accept p50': round(row.acceptMs.p50),
    'accept p99': round(row.acceptMs.p99),
    'to wire p50': round(row.wireMs.p50),
    'to wire p99': round(row.wireMs.p99),
    ...Object.fromEntries(cpu),
    'all but sink µs': Math.round(productCpu(row)),
  };
}

/** µs per message of everything but the provider. */
function productCpu({ cpuUs }: Singles): number {
  return Object.entries(cpuUs).reduce((sum, [name, us]) => (name === 'sink' ? sum : sum + us), 0);
}

function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

const stage = await Stage.open({ embedded, devices: DEVICES });
try {
  const warm = { connections: Math.min(64, Math.max(...levels)), ms: WARM_MS };
  await measureConstant(stage, warm);
  await measureSingles(stage, DEVICES, warm);
  const rows: Row[] = [];
  for (const connections of levels) {
    const constant = await measureConstant(stage, { connections, ms: ms / 2 });
    const singles = await measureSingles(stage, DEVICES, { connections, ms });
    rows.push({ what: `${connections} connections`, constantPerSecond: constant.perSecond, ...singles });
  }
  const best = Math.max(...rows.map((row) => row.deliveredPerSecond));
  const half = Math.max(1, Math.round(best / 2));
  const open = await measureSingles(stage, DEVICES, { connections: OPEN_CONNECTIONS, ms, perSecond: half });
  rows.push({ what: `open loop, ${half}/s`, ...open });
  const idleMs = await measureIdle(stage);
  console.log(`Times in ms, CPU in µs a message${embedded ? ', embedded' : ''}`);
  console.table(rows.map(toCells));
  if (!embedded) {
    console.log('PostgreSQL, per message');
    console.table(rows.map(({ what, cluster }) => ({ what, ...(cluster && clusterCells(cluster)) })));
  }
  console.log(
    `A code without other work, from its 202 to the wire: p50 ${round(idleMs.p50)} ms, p99 ${round(idleMs.p99)} ms`,
  );
  console.log(JSON.stringify({ bench: 'singles', embedded, rows, idleMs }));
} finally {
  await stage.close();
}
