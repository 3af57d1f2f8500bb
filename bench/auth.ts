import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../src/database/database.js';
import { Admin, basic } from '../test/harness/admin.js';
import { startCarillon } from '../test/harness/carillon.js';
import { AuthRoom, ROOT, SetClock } from '../test/medium/auth/auth-room.js';

/**
 * What the caches of the authorization server are worth: tokens issued and tokens checked, remembered and not, in this
 * process; then both over HTTP, alone and beside a flood of wrong secrets on another client.
 */

const FORM = 'application/x-www-form-urlencoded';
const CLOCK_TICKS = 100; // of /proc/<pid>/stat, per second
const ROUNDS = Number(process.env.ROUNDS ?? 15);
const WINDOW_MS = 500;
/** Wrong secrets a second. Twenty-five hashes a second fill a core. */
const FLOOD_PER_SECOND = 200;
/** A good call may take this much longer beside the flood. */
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
  authorization: () => string;
  body: string;
  address: () => string;
}

function post(url: URL, call: Call, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: call.authorization(), 'content-type': FORM };
    const sent = request(
      {
        host: url.hostname,
        port: url.port,
        path: call.path,
        method: 'POST',
        headers,
        agent,
        localAddress: call.address(),
      },
      (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)),
    );
    sent.on('error', reject).end(call.body);
  });
}

/** As many calls as four connections make in the window; each must succeed. */
async function countGood(url: URL, call: Call, agent: Agent): Promise<number> {
  const end = performance.now() + WINDOW_MS;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const status = await post(url, call, agent);
      if (status !== 200) throw new Error(`a good call was answered ${status}`);
      done++;
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return done / (WINDOW_MS / 1_000);
}

/** Wrong secrets at a steady rate, whatever the answers take; counts them by status. */
function flood(url: URL, call: Call): { stop: () => Promise<Record<number, number>> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const statuses: Record<number, number> = {};
  const open = new Set<Promise<void>>();
  let sent = 0;
  const started = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1_000) * FLOOD_PER_SECOND;
    for (; sent < due; sent++) {
      const answer = post(url, call, agent)
        .then((status) => void (statuses[status] = (statuses[status] ?? 0) + 1))
        .catch(() => undefined)
        .finally(() => open.delete(answer));
      open.add(answer);
    }
  }, 5);
  return {
    stop: async () => {
      clearInterval(timer);
      agent.destroy();
      await Promise.all(open);
      return statuses;
    },
  };
}

/** Linux: user and system time of a process, all its threads. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

interface FloodRow {
  flood: string;
  good: string;
  /** Of the good calls: time each beside the flood, as a multiple of the time alone. Median of the rounds. */
  slowdown: number;
  answers: Record<number, number>;
}

async function measureOutside(folder: string): Promise<{ rows: Row[]; floods: FloodRow[] }> {
  const carillon = await startCarillon({ DATA_DIR: folder });
  try {
    const url = new URL(carillon.url);
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const admin = new Admin(carillon.url);
    await admin.addClient('victim', 'messages.*');
    const secret = await admin.addClient('good', 'authorization.introspect');
    const home = () => '127.0.0.1';
    const grant = 'grant_type=client_credentials&scope=authorization.introspect';
    const tokenPath = '/mfp/api/az/v1/token';
    const obtain: Call = { path: tokenPath, authorization: () => basic('good', secret), body: grant, address: home };
    const issued = await fetch(carillon.url + tokenPath, {
      method: 'POST',
      headers: { authorization: basic('good', secret), 'content-type': FORM },
      body: grant,
    });
    const { access_token: token } = (await issued.json()) as { access_token: string };
    // A guarded request that reads no table: what is measured is the guard, and HTTP.
    const authorised: Call = {
      path: '/mfp/api/az/v1/introspection',
      authorization: () => `Bearer ${token}`,
      body: `token=${token}`,
      address: home,
    };
    const goods = { 'token over HTTP': obtain, 'authorised request over HTTP': authorised };
    const rows: Row[] = [];
    for (const [what, call] of Object.entries(goods)) {
      await countGood(url, call, agent);
      const before = cpuSeconds(carillon.pid);
      const perSecond = await countGood(url, call, agent);
      const cpu = cpuSeconds(carillon.pid) - before;
      rows.push({ what, perSecond, cpuUs: (cpu / (perSecond * (WINDOW_MS / 1_000))) * 1e6 });
    }
    let guess = 0;
    const wrong = (address: () => string): Call => ({
      path: tokenPath,
      authorization: () => basic('victim', `guess ${guess++}`),
      body: grant,
      address,
    });
    const floods: FloodRow[] = [];
    const kinds = {
      // Loopback is 127.0.0.0/8: the flood has an address of its own, or so many that nobody is over the limit.
      'from one address (throttled)': wrong(() => '127.0.0.2'),
      'from 4,000 addresses (hashed)': wrong(
        () => `127.0.${1 + Math.floor((guess % 4_000) / 250)}.${1 + (guess % 250)}`,
      ),
    };
    for (const [kind, call] of Object.entries(kinds))
      for (const [good, goodCall] of Object.entries(goods)) {
        const ratios: number[] = [];
        const answers: Record<number, number> = {};
        for (let round = 0; round < ROUNDS; round++) {
          const alone = await countGood(url, goodCall, agent);
          const flooding = flood(url, call);
          await delay(100);
          const beside = await countGood(url, goodCall, agent);
          for (const [status, times] of Object.entries(await flooding.stop()))
            answers[Number(status)] = (answers[Number(status)] ?? 0) + times;
          ratios.push(alone / beside);
        }
        floods.push({ flood: kind, good, slowdown: median(ratios), answers });
      }
    agent.destroy();
    return { rows, floods };
  } finally {
    await carillon.stop();
  }
}

const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'carillon-bench-')));
try {
  const inside = await measureInside(folders[0]!);
  const { rows, floods } = await measureOutside(folders[1]!);
  const all = [...inside, ...rows];
  process.stdout.write(`${''.padEnd(40)}${'per second'.padStart(12)}${'CPU µs each'.padStart(14)}\n`);
  for (const { what, perSecond, cpuUs } of all)
    process.stdout.write(`${what.padEnd(40)}${perSecond.toFixed(0).padStart(12)}${cpuUs.toFixed(1).padStart(14)}\n`);
  process.stdout.write(
    `\n${FLOOD_PER_SECOND} wrong secrets a second on another client`.padEnd(70) + 'slowdown  answers\n',
  );
  for (const row of floods)
    process.stdout.write(
      `${`${row.flood}, ${row.good}`.padEnd(70)}${row.slowdown.toFixed(2).padStart(7)}  ${JSON.stringify(row.answers)}\n`,
    );
  const kept = floods.filter(({ flood }) => flood.includes('throttled')).every(({ slowdown }) => slowdown <= ALLOWED);
  if (!kept) process.exitCode = 1;
  process.stdout.write(`${JSON.stringify({ bench: 'auth', rows: all, floods, kept })}\n`);
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
