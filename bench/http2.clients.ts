/**
 * The clients that `http2.bench.ts` compares, each run in a process of its own: `http2.clients.ts name origin ca n`.
 */
import { connect } from 'node:http2';
import { readFileSync } from 'node:fs';
import { PushPool } from '../src/http2/pool.js';
import type { Header } from '../src/http2/push.js';

/** The request of every client, h2load included: the form of an APNs request. */
export const headers: readonly Header[] = [
  ['authorization', `bearer ${'a'.repeat(200)}`],
  ['apns-topic', 'com.example'],
  ['apns-push-type', 'alert'],
];
export const body = Buffer.from(
  JSON.stringify({ aps: { alert: { title: 'Hello', body: 'x'.repeat(150) }, sound: 'default' } }),
);
/** Requests in flight, all on one connection. */
export const IN_FLIGHT = 500;

export function pathOf(n: number): string {
  return `/3/device/${n.toString(16).padStart(64, 'a')}`;
}

export interface Measured {
  rps: number;
  /** CPU of the client's process, user and system, microseconds per request. */
  cpuUs: number;
  /** Requests that did not end with status 200. */
  failed: number;
}

interface Client {
  /** True if the answer was 200 and complete. */
  send(n: number): Promise<boolean>;
  close(): Promise<unknown>;
}

function pipeline(origin: string, ca: string): Client {
  const pool = new PushPool({ origin, tls: { ca }, maxConnections: 1 });
  return {
    async send(n) {
      const result = await pool.send({ path: pathOf(n), constant: headers, body });
      return result.kind === 'answered' && result.status === 200;
    },
    close: () => pool.close(),
  };
}

/** Like the APNs provider: the authorization and an apns-id as literals in every request. */
function pipelineAsApns(origin: string, ca: string): Client {
  const pool = new PushPool({ origin, tls: { ca }, maxConnections: 1, neverIndex: ['authorization', 'apns-id'] });
  return {
    async send(n) {
      const own: Header[] = [['apns-id', n.toString(16).padStart(36, '0')]];
      const result = await pool.send({ path: pathOf(n), constant: headers, headers: own, body });
      return result.kind === 'answered' && result.status === 200;
    },
    close: () => pool.close(),
  };
}

function nodeHttp2(origin: string, ca: string): Client {
  const session = connect(origin, { ca });
  const constant = Object.fromEntries(headers);
  return {
    send: (n) =>
      new Promise((resolve) => {
        const stream = session.request({ ':method': 'POST', ':path': pathOf(n), ...constant });
        let status: number | undefined;
        stream.on('response', (head) => (status = head[':status']));
        stream.on('error', () => resolve(false));
        stream.on('close', () => resolve(status === 200));
        stream.resume();
        stream.end(body);
      }),
    close: () => new Promise<void>((resolve) => session.close(resolve)),
  };
}

async function undici(origin: string, ca: string): Promise<Client> {
  // Installed only in bench/, so the product's compiler and `npm ci` do not have it.
  const name = 'undici';
  const { Client: UndiciClient } = (await import(name)) as {
    Client: new (
      origin: string,
      options: object,
    ) => {
      request(options: object): Promise<{ statusCode: number; body: { dump(): Promise<void> } }>;
      close(): Promise<void>;
    };
  };
  const client = new UndiciClient(origin, {
    allowH2: true,
    pipelining: IN_FLIGHT,
    maxConcurrentStreams: IN_FLIGHT,
    connect: { ca },
  });
  const constant = Object.fromEntries(headers);
  return {
    async send(n) {
      const answer = await client.request({ method: 'POST', path: pathOf(n), headers: constant, body });
      await answer.body.dump();
      return answer.statusCode === 200;
    },
    close: () => client.close(),
  };
}

/** Keeps IN_FLIGHT requests open until `total` are done. */
export async function drive(client: Client, total: number): Promise<number> {
  let next = 0;
  let failed = 0;
  const lane = async (): Promise<void> => {
    while (next < total) if (!(await client.send(next++))) failed++;
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return failed;
}

export function openClient(name: string, origin: string, ca: string): Client | Promise<Client> {
  if (name === 'pipeline') return pipeline(origin, ca);
  if (name === 'pipeline as apns') return pipelineAsApns(origin, ca);
  if (name === 'node:http2') return nodeHttp2(origin, ca);
  if (name === 'undici') return undici(origin, ca);
  throw new Error(`no client ${name}`);
}

async function measure(name: string, origin: string, ca: string, total: number): Promise<Measured> {
  const client = await openClient(name, origin, ca);
  // The connection, the compiler and the peer's table are warm before the clock starts.
  await drive(client, Math.ceil(total / 10));
  const cpu = process.cpuUsage();
  const started = performance.now();
  const failed = await drive(client, total);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await client.close();
  return { rps: total / seconds, cpuUs: (user + system) / total, failed };
}

if (process.argv[1] === import.meta.filename) {
  const [name, origin, ca, total] = process.argv.slice(2);
  console.log(JSON.stringify(await measure(name!, origin!, readFileSync(ca!, 'utf8'), Number(total))));
}
