/**
 * The push pipeline beside h2load, node:http2 and undici: one nginx, one connection each, the same requests, in one
 * run.
 *
 *   npm run bench:http2                     a table, and a line of JSON
 *   npm run bench:http2 -- --rounds=5       more rounds; figures are medians over the rounds
 *   npm run bench:http2 -- --memory=10      instead: ten million requests, and whether memory stays flat
 *
 * Needs nginx and h2load (Debian: nginx-light, nghttp2-client) and undici (`npm ci --prefix bench`). Exits non-zero
 * when a request was not answered, or memory grew; never because the machine was slow.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { findProgram, startNginx, type RealPeer } from '../test/medium/http2/real-peers.js';
import { IN_FLIGHT, body, headers, pathOf, type Measured } from './http2.clients.js';

const run = promisify(execFile);
const CLIENTS = ['h2load', 'pipeline', 'node:http2', 'undici'] as const;
type ClientName = (typeof CLIENTS)[number];

/** Requests per round: a few seconds for each client. */
const REQUESTS: Record<ClientName, number> = {
  h2load: 300_000,
  pipeline: 300_000,
  'node:http2': 50_000,
  undici: 30_000,
};

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    memory: { type: 'string' },
  },
});

function demand(found: boolean, what: string, how: string): void {
  if (found) return;
  console.error(`${what} is missing: ${how}`);
  process.exit(2);
}

/** h2load counts only its own requests, and bash its CPU. */
async function measureH2load(peer: RealPeer, total: number): Promise<Measured> {
  const file = join(peer.folder, 'body.json');
  await writeFile(file, body);
  const arguments_ = ['-n', String(total), '-c', '1', '-m', String(IN_FLIGHT), '-d', file];
  for (const [name, value] of headers) arguments_.push('-H', `${name}: ${value}`);
  const command = 'TIMEFORMAT="cpu %U %S"; time "$0" "$@"';
  const { stdout, stderr } = await run('bash', [
    '-c',
    command,
    findProgram('h2load')!,
    ...arguments_,
    peer.origin + pathOf(0),
  ]);
  const [, user, system] = /cpu (\S+) (\S+)/.exec(stderr) ?? [];
  const [, rps] = /finished in .*?, ([0-9.]+) req\/s/.exec(stdout) ?? [];
  const [, ok] = /status codes: (\d+) 2xx/.exec(stdout) ?? [];
  return { rps: Number(rps), cpuUs: ((Number(user) + Number(system)) * 1e6) / total, failed: total - Number(ok) };
}

async function measureOurs(name: string, peer: RealPeer, total: number, ...flags: string[]): Promise<Measured> {
  const script = join(import.meta.dirname, 'http2.clients.ts');
  const { stdout } = await run(process.execPath, [
    ...process.execArgv,
    ...flags,
    script,
    name,
    peer.origin,
    join(peer.folder, 'cert.pem'),
    String(total),
  ]);
  return JSON.parse(stdout) as Measured;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

async function compare(peer: RealPeer): Promise<number> {
  demand(findProgram('h2load') !== undefined, 'h2load', 'apt-get install nghttp2-client');
  demand(existsSync(join(import.meta.dirname, 'node_modules/undici')), 'undici', 'npm ci --prefix bench');
  const measured = Object.fromEntries(CLIENTS.map((name) => [name, []])) as unknown as Record<ClientName, Measured[]>;
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const name of CLIENTS) {
      const total = Math.ceil(REQUESTS[name] * Number(options.scale));
      measured[name].push(await (name === 'h2load' ? measureH2load(peer, total) : measureOurs(name, peer, total)));
    }
  }
  const rows = CLIENTS.map((name) => ({
    client: name,
    rps: Math.round(median(measured[name].map((m) => m.rps))),
    cpuUs: Number(median(measured[name].map((m) => m.cpuUs)).toFixed(1)),
    failed: measured[name].reduce((sum, m) => sum + m.failed, 0),
  }));
  console.table(rows);
  const of = (name: ClientName): (typeof rows)[number] => rows.find((row) => row.client === name)!;
  const ratios = {
    rpsOfH2load: Number((of('pipeline').rps / of('h2load').rps).toFixed(2)),
    nodeCpu: Number((of('node:http2').cpuUs / of('pipeline').cpuUs).toFixed(1)),
    undiciCpu: Number((of('undici').cpuUs / of('pipeline').cpuUs).toFixed(1)),
  };
  console.log(
    `the pipeline: ${ratios.rpsOfH2load} of h2load's rate (aim 0.8), node:http2 costs ${ratios.nodeCpu} times its CPU (aim 6)`,
  );
  const clients = Object.fromEntries(rows.map(({ client, rps, cpuUs }) => [client, { rps, cpuUs }]));
  console.log(JSON.stringify({ bench: 'http2', rounds: Number(options.rounds), clients, ratios }));
  return rows.reduce((sum, row) => sum + row.failed, 0);
}

async function memory(peer: RealPeer, millions: number): Promise<number> {
  const script = join(import.meta.dirname, 'http2.memory.ts');
  const flags = [...process.execArgv, '--expose-gc'];
  const { stdout } = await run(process.execPath, [
    ...flags,
    script,
    peer.origin,
    join(peer.folder, 'cert.pem'),
    String(millions),
  ]);
  console.log(stdout.trim());
  return (JSON.parse(stdout.trim().split('\n').at(-1)!) as { broken: number }).broken;
}

demand(findProgram('nginx') !== undefined, 'nginx', 'apt-get install nginx-light');
const peer = await startNginx(
  `keepalive_requests 1000000000; keepalive_time 24h; http2_max_concurrent_streams 1000;
  location / { default_type application/json; return 200 '{"name":"projects/p/messages/1"}'; }`,
);
try {
  const broken = await (options.memory === undefined ? compare(peer) : memory(peer, Number(options.memory)));
  if (broken > 0) process.exitCode = 1;
} finally {
  await peer.stop();
}
