/**
 * Deliveries through the whole provider (payload, authorization, outcome) beside the libraries of others: one nginx
 * that takes everything, the same notification, one process each, in one run.
 *
 *   npm run bench:providers                  a table, and a line of JSON
 *   npm run bench:providers -- --rounds=5    more rounds; figures are medians over the rounds
 *   npm run bench:providers -- --only=fcm    one provider
 *
 * Needs nginx (Debian: nginx-light) and the libraries (`npm ci` and `npm ci --prefix bench`). Exits non-zero when a
 * delivery was not accepted; never because the machine was slow.
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { findProgram, startNginx } from '../test/medium/http2/real-peers.js';
import { describeJob, measureClient } from './providers/clients-run.js';
import type { Job, Measured } from './providers.clients.js';

interface Comparison {
  ours: string;
  /** The compared library: the name of its client and of its package. */
  peer: string;
  /** The library's CPU as a multiple of ours: the aim. */
  aim: number;
  /** Deliveries per round: a few seconds for each. */
  deliveries: { ours: number; peer: number };
}

/** One entry for each provider; its clients are in providers.clients.ts. */
const COMPARISONS: Record<string, Comparison> = {
  apns: { ours: 'carillon apns', peer: '@parse/node-apn', aim: 6, deliveries: { ours: 200_000, peer: 40_000 } },
  fcm: { ours: 'carillon fcm', peer: 'firebase-admin', aim: 10, deliveries: { ours: 200_000, peer: 20_000 } },
  'web-push': { ours: 'carillon web-push', peer: 'web-push', aim: 5, deliveries: { ours: 20_000, peer: 5_000 } },
};

/** The services' normal answers. */
const SINK = `keepalive_requests 1000000000; keepalive_time 24h; http2_max_concurrent_streams 1000;
  default_type application/json;
  location = /token { return 200 '{"access_token":"${'a'.repeat(200)}","expires_in":3599,"token_type":"Bearer"}'; }
  location /3/device/ { add_header apns-id $http_apns_id; return 200; }
  location /v1/ { return 200 '{"name":"projects/example/messages/0:1500415314455276%31bd1c9631bd1c96"}'; }
  location /wpush/ { add_header location https://127.0.0.1/message/1bd1c9631bd1c96; return 201; }`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});

function demand(found: boolean, what: string, how: string): void {
  if (found) return;
  console.error(`${what} is missing: ${how}`);
  process.exit(2);
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

function summarize(client: string, measured: Measured[]) {
  return {
    client,
    perSecond: Math.round(median(measured.map((m) => m.perSecond))),
    cpuUs: Number(median(measured.map((m) => m.cpuUs)).toFixed(1)),
    failed: measured.reduce((sum, m) => sum + m.failed, 0),
  };
}

async function compare(job: Omit<Job, 'total'>, names: string[]): Promise<number> {
  const measured: Record<string, Measured[]> = {};
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const { ours, peer, deliveries } of names.map((name) => COMPARISONS[name]!)) {
      const scaled = (count: number): Job => ({ ...job, total: Math.ceil(count * Number(options.scale)) });
      (measured[ours] ??= []).push(await measureClient(ours, scaled(deliveries.ours)));
      (measured[peer] ??= []).push(await measureClient(peer, scaled(deliveries.peer)));
    }
  }
  const rows = Object.entries(measured).map(([client, figures]) => summarize(client, figures));
  console.table(rows);
  const ratios: Record<string, { rate: number; cpu: number }> = {};
  for (const name of names) {
    const { ours, peer, aim } = COMPARISONS[name]!;
    const [us, them] = [ours, peer].map((client) => rows.find((row) => row.client === client)!) as [Row, Row];
    ratios[name] = {
      rate: Number((us.perSecond / them.perSecond).toFixed(1)),
      cpu: Number((them.cpuUs / us.cpuUs).toFixed(1)),
    };
    const { rate, cpu } = ratios[name];
    console.log(`${name}: ${rate} times the rate of ${peer}, which costs ${cpu} times the CPU (aim ${aim})`);
  }
  const clients = Object.fromEntries(rows.map(({ client, perSecond, cpuUs }) => [client, { perSecond, cpuUs }]));
  console.log(JSON.stringify({ bench: 'providers', rounds: Number(options.rounds), clients, ratios }));
  return rows.reduce((sum, row) => sum + row.failed, 0);
}

type Row = ReturnType<typeof summarize>;

const names = Object.keys(COMPARISONS).filter((name) => options.only === undefined || options.only === name);
demand(names.length > 0, `provider ${options.only}`, `there are ${Object.keys(COMPARISONS).join(', ')}`);
demand(findProgram('nginx') !== undefined, 'nginx', 'apt-get install nginx-light');
for (const { peer } of names.map((name) => COMPARISONS[name]!)) {
  demand(isInstalled(peer), peer, 'npm ci && npm ci --prefix bench');
}
const sink = await startNginx(SINK);
try {
  if ((await compare(describeJob(sink), names)) > 0) process.exitCode = 1;
} finally {
  await sink.stop();
}
