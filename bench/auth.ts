import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../src/database/database.js';
import { Admin, basic } from '../test/harness/admin.js';
import { startCarillon } from '../test/harness/carillon.js';
import { AuthRoom, ROOT, SetClock } from '../test/medium/auth/auth-room.js';

/**
 * What the caches of the authorization server are worth: tokens issued and tokens checked, remembered and not, in this
 * process; then both over HTTP, alone and beside a flood of wrong secrets on another client.
 */

const FORM = 'application/x-www-form-urlencoded';
const TOKEN_PATH = '/mfp/api/az/v1/token';
const GRANT = 'grant_type=client_credentials&scope=authorization.introspect';
const CLOCK_TICKS = 100; // of /proc/<pid>/stat, per second
const ROUNDS = Number(process.env.ROUNDS ?? 15);
const WINDOW_MS = 500;
/** Wrong secrets a second. Twenty-five hashes a second fill a core. */
const FLOOD_PER_SECOND = 200;
/** A good call may take this much longer beside wrong secrets than beside right ones. */
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
    await room.clients.create(ROOT, { id: 'bench', secret: 'bench', allowedScope: '*' });
    const scope = 'messages.write push.application.com.example.app';
    const required = scope.split(' ');
    const authorize = async (token: string): Promise<void> => {
      await room.liveTokens.authorize(`Bearer ${token}`, required);
    };
    const warm = await room.obtain('bench', 'bench', scope);
    await measure('warm-up', 2_000, 8, () => room.obtain('bench', 'bench', scope));
    const tokens: string[] = [];
    const rows = [
      await measure('token, secret remembered', 5_000, 8, async (index) => {
        tokens[index] = await room.obtain('bench', 'bench', scope);
      }),
      // A minute later the secret is no longer remembered.
      await measure('token, secret hashed each time', 60, 1, () => {
        clock.time += 60_000;
        return room.obtain('bench', 'bench', scope);
      }),
    ];
    clock.time = Date.now();
    rows.push(
      await measure('check, token remembered', 200_000, 1, () => authorize(warm)),
      await measure('check, each token for the first time', tokens.length, 8, (index) => authorize(tokens[index]!)),
    );
    return rows;
  } finally {
    await database.close();
  }
}

interface Call {
  path: string;
  authorization: string;
  body: string;
  address: string;
}

function post(url: URL, call: Call, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: call.authorization, 'content-type': FORM };
    const sent = request(
      {
        host: url.hostname,
        port: url.port,
        path: call.path,
        method: 'POST',
        headers,
        agent,
        localAddress: call.address,
      },
      (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)),
    );
    sent.on('error', reject).end(call.body);
  });
}

/** Good calls on `connections` for one window, each of which must succeed; answers what each took, in ms. */
async function callGood(url: URL, call: Call, agent: Agent, connections: number): Promise<number[]> {
  const end = performance.now() + WINDOW_MS;
  const took: number[] = [];
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const started = performance.now();
      const status = await post(url, call, agent);
      if (status !== 200) throw new Error(`a good call was answered ${status}`);
      took.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return took;
}

interface Flood {
  url: string;
  /** Each guess comes from the next of so many addresses of 127.0.0.0/8. */
  addresses: number;
  firstGuess: number;
  /** Given: as many right ones instead, which is what so many more requests cost anyway. */
  rightSecret?: string;
}

/** In a process of its own, so that sending a flood does not slow the good caller: wrong secrets at a steady rate. */
async function sendFlood({ url, addresses, firstGuess, rightSecret }: Flood): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const statuses: Record<number, number> = {};
  let guess = firstGuess;
  const started = performance.now();
  const timer = setInterval(() => {
    const due = firstGuess + ((performance.now() - started) / 1_000) * FLOOD_PER_SECOND;
    for (; guess < due; guess++) {
      const from = guess % addresses;
      const call: Call = {
        path: TOKEN_PATH,
        authorization: basic('victim', rightSecret ?? `guess ${guess}`),
        body: GRANT,
        address: `127.0.${1 + Math.floor(from / 250)}.${1 + (from % 250)}`,
      };
      void post(new URL(url), call, agent)
        .then((status) => (statuses[status] = (statuses[status] ?? 0) + 1))
        .catch(() => undefined);
    }
  }, 5);
  process.once('disconnect', () => process.exit());
  process.send?.('flooding');
  await once(process, 'message');
  clearInterval(timer);
  process.send?.(statuses, () => process.exit(0));
}

/** Answers how the guesses were answered until `stop`. */
async function startFlood(flood: Flood): Promise<() => Promise<Record<number, number>>> {
  const child = fork(fileURLToPath(import.meta.url), ['flood', JSON.stringify(flood)]);
  await once(child, 'message');
  return async () => {
    const last = once(child, 'message');
    child.send('stop');
    const [statuses] = (await last) as [Record<number, number>];
    return statuses;
  };
}

/** Linux: user and system time of a process, all its threads. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

interface FloodRow {
  kind: string;
  good: string;
  /** A good call's median beside the flood, as a multiple of the one just before it; median of the rounds. */
  slowdown: number;
  /** Of the flood, by status. */
  answers: Record<number, number>;
}

async function measureOutside(folder: string): Promise<{ rows: Row[]; floods: FloodRow[] }> {
  const carillon = await startCarillon({ DATA_DIR: folder });
  try {
    const url = new URL(carillon.url);
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
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
    // A guarded request that reads no table: what is measured is the guard, and HTTP.
    const path = '/mfp/api/az/v1/introspection';
    const authorised: Call = { path, authorization: `Bearer ${token}`, body: `token=${token}`, address };
    const goods = { 'token over HTTP': obtain, 'authorised request over HTTP': authorised };
    const rows: Row[] = [];
    for (const [what, call] of Object.entries(goods)) {
      for (let window = 0; window < 4; window++) await callGood(url, call, agent, 4);
      const before = cpuSeconds(carillon.pid);
      let calls = 0;
      for (let window = 0; window < 4; window++) calls += (await callGood(url, call, agent, 4)).length;
      const cpu = cpuSeconds(carillon.pid) - before;
      rows.push({ what, perSecond: (calls / (4 * WINDOW_MS)) * 1_000, cpuUs: (cpu / calls) * 1e6 });
    }
    const floods: FloodRow[] = [];
    const kinds: Record<string, Pick<Flood, 'addresses' | 'rightSecret'>> = {
      'right secrets': { addresses: 1, rightSecret: victim },
      // Soon over the limit.
      'wrong secrets': { addresses: 1 },
      // None of them is over the limit, and every guess wants to be hashed.
      'wrong, 4000 addresses': { addresses: 4_000 },
    };
    for (const [kind, flood] of Object.entries(kinds))
      for (const [good, call] of Object.entries(goods)) {
        const ratios: number[] = [];
        const answers: Record<number, number> = {};
        for (let round = 0; round < ROUNDS; round++) {
          const alone = median(await callGood(url, call, agent, 1));
          const stop = await startFlood({ url: carillon.url, firstGuess: round * 1_000, ...flood });
          ratios.push(median(await callGood(url, call, agent, 1)) / alone);
          for (const [status, times] of Object.entries(await stop()))
            answers[Number(status)] = (answers[Number(status)] ?? 0) + times;
        }
        floods.push({ kind, good, slowdown: median(ratios), answers });
      }
    agent.destroy();
    return { rows, floods };
  } finally {
    await carillon.stop();
  }
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
  const widths = [24, 32, 10];
  print(['another client sends', 'good call', 'slowdown', 'and is answered'], widths);
  for (const { kind, good, slowdown, answers } of floods)
    print([kind, good, slowdown.toFixed(2), JSON.stringify(answers)], widths);
  // What the machine takes for so many requests of any kind is not the flood's doing.
  const slowdownOf = (kind: string, good: string) =>
    floods.find((row) => row.kind === kind && row.good === good)?.slowdown ?? 1;
  const kept = floods.every(
    ({ kind, good, slowdown }) =>
      kind !== 'wrong secrets' || slowdown <= ALLOWED * Math.max(1, slowdownOf('right secrets', good)),
  );
  if (!kept) process.exitCode = 1;
  process.stdout.write(`${JSON.stringify({ bench: 'auth', rows, floods, kept })}\n`);
}

const [, , mode, argument] = process.argv;
await (mode === 'flood' ? sendFlood(JSON.parse(argument ?? '') as Flood) : run());
