/**
 * Single messages to single devices, as backends send them: the built program as an api and a worker process on a
 * durable PostgreSQL and Redis, one nginx as the provider, all in one run beside the framework answering a constant.
 *
 *   npm run bench:singles                                   1, 16, 64, 256 and 1,024 connections for 10 s each
 *   npm run bench:singles -- --connections=64 --seconds=10  two minutes
 *   npm run bench:singles -- --embedded                     one process with the embedded database and queue
 *   GORUSH=/path/to/gorush npm run bench:singles            gorush beside it, on the same nginx; needs root
 *
 * Then an open loop at half of the best rate, and codes one after the other without other work. Prints accepted and
 * delivered messages a second and their share of the constant, the time from a request to its 202 and from the 202 to
 * the provider's answer, CPU of each process, and statements, WAL, writes and flushes of PostgreSQL, per message. Needs
 * nginx, PostgreSQL and Redis (Debian: nginx-light, postgresql, redis-server) and Linux' /proc. Exits non-zero when a
 * message has not arrived; never because the machine was slow.
 */
import { parseArgs } from 'node:util';
import { clusterCells } from './servers/cluster.js';
import { GorushHost, startGorush } from './singles/gorush.js';
import { measureConstant, measureIdle, measureSingles } from './singles/measure.js';
import type { Constant, Singles } from './singles/measure.js';
import { Sink } from './singles/sink.js';
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
/** V8 compiles what runs often for about this time; a process that runs for days does so once. */
const WARM_MS = 15_000;
/** Enough connections that none of the open loop's requests waits for one. */
const OPEN_CONNECTIONS = 256;

interface Row extends Singles {
  what: string;
  constant?: Constant;
}

function toCells({ what, constant, ...row }: Row): Record<string, string | number | null> {
  const cpu = Object.entries(row.cpuUs).map(([name, us]) => [`${name} µs`, Math.round(us)]);
  return {
    what,
    'accepted/s': Math.round(row.acceptedPerSecond),
    'delivered/s': Math.round(row.deliveredPerSecond),
    'of constant': constant ? round(row.deliveredPerSecond / constant.perSecond, 3) : null,
    backlog: row.backlog,
    lost: row.lost,
    'drain s': round(row.drainSeconds),
    'accept p50': round(row.acceptMs.p50),
    'accept p99': round(row.acceptMs.p99),
    'to wire p50': round(row.wireMs.p50),
    'to wire p99': round(row.wireMs.p99),
    ...Object.fromEntries(cpu),
    'all but sink µs': Math.round(productCpu(row)),
    'constant µs': constant ? Math.round(constant.cpuUs) : null,
  };
}

/** µs per message of everything but the provider. */
function productCpu({ cpuUs }: Singles): number {
  return Object.entries(cpuUs).reduce((sum, [name, us]) => (name === 'sink' ? sum : sum + us), 0);
}

function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

const { GORUSH: binary } = process.env;
const host = binary === undefined ? undefined : new GorushHost();
const sink = await Sink.start(host && { also: (lines) => host.block(lines) });
const stage = await Stage.open(sink, { embedded, devices: DEVICES });
const { sender } = stage;
let gorush: Awaited<ReturnType<typeof startGorush>> | undefined;
try {
  if (host) gorush = await startGorush(binary!, host, stage.key);
  const warm = { connections: Math.min(64, Math.max(...levels)), ms: WARM_MS };
  await measureConstant(sender, warm);
  await measureSingles(sender, sink, DEVICES, warm);
  if (gorush) await measureSingles(gorush.sender, sink, DEVICES, warm);
  const rows: Row[] = [];
  const peers: Row[] = [];
  for (const connections of levels) {
    const what = `${connections} connections`;
    const constant = await measureConstant(sender, { connections, ms: ms / 2 });
    rows.push({ what, constant, ...(await measureSingles(sender, sink, DEVICES, { connections, ms })) });
    if (!gorush) continue;
    const singles = await measureSingles(gorush.sender, sink, DEVICES, { connections, ms: ms / 2 });
    peers.push({ what: `gorush, ${what}`, constant, ...singles });
  }
  const best = Math.max(...rows.map((row) => row.deliveredPerSecond));
  const half = Math.max(1, Math.round(best / 2));
  const open = { connections: OPEN_CONNECTIONS, ms, perSecond: half };
  rows.push({ what: `open loop, ${half}/s`, ...(await measureSingles(sender, sink, DEVICES, open)) });
  const idleMs = await measureIdle(sender, sink);
  console.log(`Times in ms, CPU in µs a message${embedded ? ', embedded' : ''}`);
  console.table([...rows, ...peers].map(toCells));
  if (!embedded) {
    console.log('PostgreSQL, a message');
    console.table(rows.map(({ what, cluster }) => ({ what, ...(cluster && clusterCells(cluster)) })));
  }
  console.log(
    `A code without other work, from its 202 to the wire: p50 ${round(idleMs.p50)} ms, p99 ${round(idleMs.p99)} ms`,
  );
  console.log(JSON.stringify({ bench: 'singles', embedded, rows, gorush: peers, idleMs }));
  const lost = rows.reduce((sum, row) => sum + row.lost, 0);
  if (lost > 0) throw new Error(`${lost} messages have not arrived`);
} finally {
  await gorush?.stop();
  await stage.close();
  await sink.stop();
  host?.remove();
}
