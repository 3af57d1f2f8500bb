/**
 * The embedded database under the greatest load of one process: single messages to sandbox devices, registrations of
 * existing devices, and a broadcast a minute.
 *
 * npm run bench:embedded                  an hour
 * npm run bench:embedded -- --minutes=5   less
 *
 * Prints for each minute the accepted messages and the sizes of the log (`pg_wal`) and of the tables; then ends the
 * process with SIGKILL and opens the folder again, and once more after an orderly end. Needs Linux' /proc. Exits 1 if
 * the log or the tables grow without limit, if the start after SIGKILL takes over 5 s and twice as long as the other,
 * or if an accepted message is lost.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sql } from 'kysely';
import { openDatabase } from '../src/database/database.js';
import { Api, issueToken } from '../test/harness/api.js';
import { startCarillon } from '../test/harness/carillon.js';
import { applyLoad } from './api/load.js';
import type { Target } from './api/load.js';
import { watchMemory } from './broadcast/usage.js';

const { values: options } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } });
const MINUTES = Number(options.minutes);
const MINUTE_MS = 60_000;
const MB = 2 ** 20;
const DEVICES = 1_000;
const CALLERS = 16;
const REGISTERING = 2;
const LOG_MB = 256;
const OPEN_MS = 5_000;
/** The growth of the tables per message may rise by this factor from the first half of the time to the second. */
const GROWTH = 1.5;
const APPLICATION = 'com.example.app';

interface Minute {
  messages: number;
  registrations: number;
  logMb: number;
  tablesMb: number;
  memoryMb: number;
}

const folder = mkdtempSync(join(tmpdir(), 'carillon-embedded-'));
const environment = { DATA_DIR: folder };
const deviceOf = (index: number): string => `device-${index % DEVICES}`;

function sizeMb(path: string): number {
  const files = existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [];
  return files.reduce((sum, file) => sum + (statSync(join(path, file), { throwIfNoEntry: false })?.size ?? 0), 0) / MB;
}

async function work(url: string, pid: number): Promise<Minute> {
  const token = await issueToken(url, '*');
  const port = Number(new URL(url).port);
  const path = `/imfpush/v1/apps/${APPLICATION}`;
  const messages: Target = { port, path: `${path}/messages`, token, status: 202 };
  const devices: Target = { port, path: `${path}/devices`, token, status: 201 };
  const memory = watchMemory({ program: pid });
  const [sent, registered] = await Promise.all([
    applyLoad(messages, (n) => `{"message":{"alert":"Code ${n}"},"target":{"deviceIds":["${deviceOf(n)}"]}}`, {
      connections: CALLERS,
      ms: MINUTE_MS,
    }),
    applyLoad(
      devices,
      (n) => `{"deviceId":"${deviceOf(n)}","platform":"A","token":"sandbox:accepted:${n}","userId":"user-${n % 100}"}`,
      { connections: REGISTERING, ms: MINUTE_MS },
    ),
  ]);
  const { program: memoryMb = 0 } = await memory.stop();
  const data = join(folder, 'postgres');
  return {
    messages: sent.requests,
    registrations: registered.requests,
    logMb: Math.round(sizeMb(join(data, 'pg_wal'))),
    tablesMb: Math.round(sizeMb(join(data, 'base'))),
    memoryMb: Math.round(memoryMb),
  };
}

/** KB of tables per message, from one minute to another. */
function kbAMessage(minutes: readonly Minute[], from: number, to: number): number {
  const sent = minutes.slice(from + 1, to + 1).reduce((sum, { messages }) => sum + messages, 0);
  return ((minutes[to]!.tablesMb - minutes[from]!.tablesMb) * 1024) / sent;
}

/** The largest tables with their indexes. */
async function readTables(): Promise<{ name: string; mb: number; rows: number }[]> {
  const database = await openDatabase({ dataDir: folder });
  try {
    const { rows } = await sql<{ name: string; mb: number }>`
      select c.oid::regclass::text as name, round(pg_total_relation_size(c.oid) / ${MB}::float8) as mb
      from pg_class c where relkind = 'r' order by pg_total_relation_size(c.oid) desc limit 8`.execute(database.kysely);
    const counted = [];
    for (const { name, mb } of rows) {
      const { rows: counts } = await sql<{ count: number }>`select count(*) from ${sql.raw(name)}`.execute(
        database.kysely,
      );
      counted.push({ name, mb, rows: counts[0]!.count });
    }
    return counted;
  } finally {
    await database.close();
  }
}

const print = (cells: (string | number)[]): void =>
  void process.stdout.write(`${cells.map((cell) => String(cell).padEnd(14)).join('')}\n`);

let carillon = await startCarillon(environment);
try {
  const api = await Api.connect(carillon.url);
  const minutes: Minute[] = [];
  print(['minute', 'messages', 'registrations', 'log MB', 'tables MB', 'memory MB']);
  for (let minute = 1; minute <= MINUTES; minute++) {
    const row = await work(carillon.url, carillon.pid);
    minutes.push(row);
    print([minute, ...Object.values(row)]);
    await (await Api.connect(carillon.url)).send({ message: { alert: 'To all' } });
  }
  const last = await (
    await Api.connect(carillon.url)
  ).send({
    message: { alert: 'The last' },
    target: { deviceIds: [deviceOf(0)] },
  });
  await carillon.kill();
  const began = performance.now();
  carillon = await startCarillon(environment);
  const openMs = Math.round(performance.now() - began);
  const again = await Api.connect(carillon.url, api.applicationId);
  const report = await again.waitFor(last);
  const code = (await carillon.stop()).code;
  const beganAgain = performance.now();
  carillon = await startCarillon(environment);
  const orderlyMs = Math.round(performance.now() - beganAgain);
  await carillon.stop();
  const tables = await readTables();

  const middle = Math.floor(minutes.length / 2);
  const halves = [kbAMessage(minutes, 0, middle), kbAMessage(minutes, middle, minutes.length - 1)] as const;
  const logMb = Math.max(...minutes.map((minute) => minute.logMb));
  const broken = [
    ...(logMb > LOG_MB ? [`the log had ${logMb} MB`] : []),
    ...(halves[1] > GROWTH * halves[0] ? ['a message leaves more in the tables as time goes by'] : []),
    ...(openMs > Math.max(OPEN_MS, 2 * orderlyMs) ? [`opened in ${openMs} ms after SIGKILL`] : []),
    ...(report.outcomes.accepted === 1 ? [] : ['the last message was not delivered']),
    ...(code === 0 ? [] : [`ended with ${code}`]),
  ];
  print(['table', 'MB', 'rows']);
  for (const { name, mb, rows } of tables) print([name, mb, rows]);
  print([`Listened ${openMs} ms after SIGKILL, ${orderlyMs} ms after an orderly end`]);
  for (const line of broken) print([`BROKEN  ${line}`]);
  const kb = halves.map((half) => Number(half.toFixed(2)));
  process.stdout.write(
    `${JSON.stringify({ bench: 'embedded', minutes, logMb, kbAMessage: kb, openMs, orderlyMs, tables, broken })}\n`,
  );
  process.exitCode = broken.length > 0 ? 1 : 0;
} finally {
  await carillon.kill();
  rmSync(folder, { recursive: true, force: true });
}
