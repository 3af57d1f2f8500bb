import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/database/database.js';
import { Admin, basic } from '../test/harness/admin.js';
import { startCarillon } from '../test/harness/carillon.js';
import { AuthRoom, ROOT, SetClock } from '../test/medium/auth/auth-room.js';
import { FORM, callGood } from './auth/calls.js';
import type { Call } from './auth/calls.js';
import { FLOOD_PER_SECOND, Flooder } from './auth/flood.js';
import type { Answers, Flood } from './auth/flood.js';
import { cpuSeconds } from './broadcast/usage.js';
import { meanOf } from './quantile.js';

/**
 * Measures the caches of the authorization server: tokens issued and checked, with and without the cache, in this
 * process; then both over HTTP, alone and beside a flood of wrong secrets of another client.
 */

const TOKEN_PATH = '/mfp/api/az/v1/token';
const GRANT = 'grant_type=client_credentials&scope=authorization.introspect';
/** Windows of each kind of good call alone, and the same number beside each flood. */
const ROUNDS = Number(process.env.ROUNDS ?? 10);
const WINDOW_MS = 500;
/** A good call may take this much longer beside wrong secrets than alone. */
const ALLOWED = 1.2;

interface Row {
  what: string;
  perSecond: number;
  cpuUs: number;
}

/** `times` calls, `atOnce` at a time, in this process. */
async function measure(what: string, times: number, atOnce: number, act: (index: number) => Promise<unknown>) {
  let next = 0;
  const cpu = process.cpuUsage();
  const started = performance.now();
  const worker = async (): Promise<void> => {
    for (let index = next++; index < times; index = next++) await act(index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { what, perSecond: times / seconds, cpuUs: (user + system) / times };
}

async function measureInside(folder: string): Promise<Row[]> {
  const database = await openDatabase({ dataDir: folder });
  try {
    const clock = new SetClock(Date.now());
    const room = await AuthRoom.open(database, clock);
    const other = await AuthRoom.open(database, clock);
    await room.clients.create(ROOT, { id: 'bench', secret: 'bench', allowedScope: '*' });
    const scope = 'messages.write push.application.com.example.app';
    const required = scope.split(' ');
    const authorize = async (token: string, { liveTokens } = room): Promise<void> => {
      await liveTokens.authorize(`Bearer ${token}`, required);
    };
    const warm = await room.obtain('bench', 'bench', scope);
    await measure('warm-up', 2_000, 8, () => room.obtain('bench', 'bench', scope));
    const tokens: string[] = [];
    const rows = [
      await measure('token, secret remembered', 5_000, 8, async (index) => {
        tokens[index] = await room.obtain('bench', 'bench', scope);
      }),
      // A minute later the secret is no longer cached.
      await measure('token, secret hashed each time', 60, 1, () => {
        clock.time += 60_000;
        return room.obtain('bench', 'bench', scope);
      }),
    ];
    clock.time = Date.now();
    rows.push(
      await measure('check, token remembered', 200_000, 1, () => authorize(warm)),
      await measure('check, each token from elsewhere', tokens.length, 8, (index) => authorize(tokens[index]!, other)),
    );
    return rows;
  } finally {
    await database.close();
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

interface FloodRow {
  kind: string;
  good: string;
  /** Medians over all windows, in ms. */
  alone: number;
  beside: number;
  /** The ratio of the medians, and of the means, in which the slowest calls weigh most. */
  slowdown: number;
  slowdownOfMeans: number;
  /** The answers to the flood, by status. */
  answers: Answers;
}

async function measureOutside(folder: string): Promise<{ rows: Row[]; floods: FloodRow[] }> {
  const carillon = await startCarillon({ DATA_DIR: folder });
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  try {
    const url = new URL(carillon.url);
    const admin = new Admin(carillon.url);
    const victim = await admin.addClient('victim', 'authorization.introspect');
    const secret = await admin.addClient('good', 'authorization.introspect');
    const address = '127.0.0.1';
    const obtain: Call = { path: TOKEN_PATH, authorization: basic('good', secret), body: GRANT, address };
    const issued = await fetch(carillon.url + TOKEN_PATH, {
      method: 'POST',
      headers: { authorization: obtain.authorization, 'content-type': FORM },
      body: GRANT,
    });
    const { access_token: token } = (await issued.json()) as { access_token: string };
    // A guarded request that reads no table, so that only the guard and HTTP are measured.
    const path = '/mfp/api/az/v1/introspection';
    const authorised: Call = { path, authorization: `Bearer ${token}`, body: `token=${token}`, address };
    const goods = { 'token over HTTP': obtain, 'authorised request over HTTP': authorised };
    const rows: Row[] = [];
    for (const [what, call] of Object.entries(goods)) {
      await callGood(url, call, agent, 4, 2_000);
      const before = cpuSeconds(carillon.pid);
      const calls = (await callGood(url, call, agent, 4, 2_000)).length;
      const cpu = cpuSeconds(carillon.pid) - before;
      rows.push({ what, perSecond: calls / 2, cpuUs: (cpu / calls) * 1e6 });
    }
    const base = { url: carillon.url, path: TOKEN_PATH, body: GRANT };
    return { rows, floods: await measureFloods(url, goods, base, victim, agent) };
  } finally {
    agent.destroy();
    await carillon.stop();
  }
}

async function measureFloods(
  url: URL,
  goods: Readonly<Record<string, Call>>,
  base: Pick<Flood, 'url' | 'path' | 'body'>,
  victimSecret: string,
  agent: Agent,
): Promise<FloodRow[]> {
  const ALONE = '';
  const took = new Map<string, number[]>();
  const answers = new Map<string, Answers>();
  const keep = <T extends object>(into: Map<string, T>, key: string, fresh: T): T => {
    const kept = into.get(key) ?? fresh;
    into.set(key, kept);
    return kept;
  };
  const callBeside = async (kind: string): Promise<void> => {
    for (const [good, call] of Object.entries(goods))
      keep(took, `${kind} ${good}`, []).push(...(await callGood(url, call, agent, 1, WINDOW_MS)));
  };
  const flooder = await Flooder.open();
  const flood = async (kind: string, more: Pick<Flood, 'addresses' | 'rightSecret'>, windows: number) => {
    await flooder.start({ ...base, ...more });
    for (let window = 0; window < windows; window++) await callBeside(kind);
    const sum = keep(answers, kind, {});
    for (const [status, times] of Object.entries(await flooder.stop()))
      sum[Number(status)] = (sum[Number(status)] ?? 0) + times;
  };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await callBeside(ALONE);
      await flood('right secrets', { addresses: 1, rightSecret: victimSecret }, 1);
      // These soon exceed the limit.
      await flood('wrong secrets', { addresses: 1 }, 1);
    }
    // None of these addresses exceeds the limit, so every guess needs a hash. Last, because the queue outlasts the
    // flood.
    await flood('wrong, 4000 addresses', { addresses: 4_000 }, ROUNDS);
  } finally {
    flooder.close();
  }
  return [...answers].flatMap(([kind, answered]) =>
    Object.keys(goods).map((good) => {
      const [alone, beside] = [ALONE, kind].map((each) => took.get(`${each} ${good}`) ?? []) as [number[], number[]];
      return {
        kind,
        good,
        alone: median(alone),
        beside: median(beside),
        slowdown: median(beside) / median(alone),
        slowdownOfMeans: meanOf(beside) / meanOf(alone),
        answers: answered,
      };
    }),
  );
}

async function run(): Promise<void> {
  const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'carillon-bench-')));
  try {
    const inside = await measureInside(folders[0]!);
    const { rows, floods } = await measureOutside(folders[1]!);
    report([...inside, ...rows], floods);
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

function report(rows: readonly Row[], floods: readonly FloodRow[]): void {
  const print = (cells: (string | number)[], widths: number[]) =>
    process.stdout.write(`${cells.map((cell, index) => String(cell).padEnd(widths[index] ?? 0)).join('')}\n`);
  print(['', 'per second', 'CPU µs each'], [40, 12]);
  for (const { what, perSecond, cpuUs } of rows) print([what, perSecond.toFixed(0), cpuUs.toFixed(1)], [40, 12]);
  process.stdout.write(`\nOne good caller beside ${FLOOD_PER_SECOND} requests a second of another client\n`);
  const widths = [24, 32, 10, 11, 10, 10];
  print(
    ['another client sends', 'good call', 'alone ms', 'beside ms', 'slowdown', 'of means', 'and is answered'],
    widths,
  );
  for (const { kind, good, answers, ...row } of floods) {
    const figures = [row.alone, row.beside, row.slowdown, row.slowdownOfMeans].map((figure) => figure.toFixed(2));
    print([kind, good, ...figures, JSON.stringify(answers)], widths);
  }
  // Floods with right secrets are only for comparison: the cost of the same number of other requests.
  const kept = floods.every(({ kind, slowdown }) => !kind.startsWith('wrong') || slowdown <= ALLOWED);
  if (!kept) process.exitCode = 1;
  process.stdout.write(`${JSON.stringify({ bench: 'auth', rows, floods, kept })}\n`);
}

await run();
