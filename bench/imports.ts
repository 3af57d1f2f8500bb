/**
 * The command line over breaks, at full size, with one process on PostgreSQL:
 *
 *   npm run imports -- kills     an import of 200,000 devices, and ten kills of command and server (3 min)
 *   npm run imports -- changed   an import that broke off; then another application or file (2 min)
 *   npm run imports -- events    `carillon events` over a connection that is cut a hundred times (1 min)
 *
 * Without arguments all of them. Exits non-zero if a promise is broken. Needs PostgreSQL (Debian: postgresql).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { Api } from '../test/harness/api.js';
import { startCarillon } from '../test/harness/carillon.js';
import { startCuttingProxy } from '../test/harness/cutting-proxy.js';
import { createDatabase, freePort, startPostgres } from '../test/harness/servers.js';
import { endTrials, holds } from './webhooks/trials.js';

const [DEVICES, KILLS, BAD_EACH, CUTS] = [200_000, 10, 1_000, 100];
const TRIALS: Record<string, () => Promise<void>> = { kills, changed, events };
const asked = process.argv.slice(2);

const folder = mkdtempSync(join(tmpdir(), 'carillon-imports-'));
const postgres = await startPostgres();
const port = await freePort();
const environment = {
  DATABASE_URL: await createDatabase(postgres.url),
  MASTER_KEY: randomBytes(32).toString('base64'),
  LOG_LEVEL: 'warn',
  PORT: String(port),
};
let server = await startCarillon(environment);
const admin = await Api.connect(server.url);
try {
  for (const name of asked.length > 0 ? asked : Object.keys(TRIALS)) await TRIALS[name]!();
} finally {
  await server.stop();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
endTrials('imports');

/** A bad line for each thousand. */
function linesOf(prefix: string, count = DEVICES): string[] {
  return Array.from({ length: count }, (_, n) =>
    n % BAD_EACH === 7
      ? `no JSON é😀 ${n}`
      : JSON.stringify({ deviceId: `${prefix}${n}`, token: `sandbox:accepted:${prefix}${n}`, platform: 'A' }),
  );
}

function write(name: string, lines: readonly string[]): void {
  writeFileSync(join(folder, name), lines.join('\n'));
}

function carillon(app: string, words: readonly string[], url = server.url): ChildProcess {
  const login = { CARILLON_URL: url, CARILLON_APP: app, CARILLON_CLIENT: 'test', CARILLON_SECRET: 'test' };
  const env = { PATH: process.env.PATH, HOME: folder, ...login };
  return spawn(process.execPath, [resolve('dist/main.js'), ...words], { cwd: folder, env });
}

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
  return { stdout, stderr, code: code as number | null };
}

/** Lines of the file that are done. */
function placeOf(name: string): number {
  const kept = join(folder, `${name}.progress`);
  return existsSync(kept) ? (JSON.parse(readFileSync(kept, 'utf8')) as { lines: number }).lines : 0;
}

async function killServer(): Promise<void> {
  await server.kill();
  server = await startCarillon(environment);
}

async function exported(app: string): Promise<Set<string>> {
  const { stdout } = await endOf(carillon(app, ['devices', 'export']));
  const lines = stdout.trimEnd().split('\n');
  return new Set(lines.map((line) => (JSON.parse(line) as { deviceId: string }).deviceId).filter(Boolean));
}

/** The devices of the file and no others are there, and each rejected line once with its number. */
async function account(app: string, name: string, lines: readonly string[]): Promise<void> {
  const devices = await exported(app);
  const good = lines.filter((line) => line.startsWith('{')).map((line) => (JSON.parse(line) as never)['deviceId']);
  holds(`${devices.size} devices equal the file`, devices.size === good.length && good.every((id) => devices.has(id)));
  const bad = lines.flatMap((line, n) => (line.startsWith('{') ? [] : [{ line, number: n + 1 }]));
  const rejected = readFileSync(join(folder, `${name}.rejected`), 'utf8');
  holds('the rejected lines are those of the file', rejected === bad.map(({ line }) => `${line}\n`).join(''));
  const reasons = readFileSync(join(folder, `${name}.rejected.reasons`), 'utf8')
    .trimEnd()
    .split('\n');
  const numbers = reasons.map((line) => (JSON.parse(line) as { line: number }).line);
  holds('each with its number, once', String(numbers) === String(bad.map(({ number }) => number)));
}

async function kills(): Promise<void> {
  await admin.call('POST', '/apps', { applicationId: 'kills' });
  const lines = linesOf('k');
  write('kills.ndjson', lines);
  const run = (): ChildProcess => carillon('kills', ['devices', 'import', 'kills.ndjson', '--json']);
  let child = run();
  let ended = endOf(child);
  let begun = 1;
  for (let kill = 0; kill < KILLS; kill++) {
    const before = placeOf('kills.ndjson');
    while (placeOf('kills.ndjson') <= before && child.exitCode === null) await delay(5);
    await delay(randomInt(200));
    if (kill % 2 === 0) child.kill('SIGKILL');
    else await killServer();
    // After a kill of the server the command goes on by itself, unless its tries were over before the start.
    if (kill % 2 === 0) await ended;
    if (child.exitCode === null && child.signalCode === null) continue;
    [child, begun] = [run(), begun + 1];
    ended = endOf(child);
  }
  const { code, stdout } = await ended;
  console.log(`        ${KILLS} kills, ${begun} commands: ${stdout.trim()}`);
  holds('the last command ends with 3, because of the rejected lines', code === 3);
  await account('kills', 'kills.ndjson', lines);
  holds('no progress is kept', !existsSync(join(folder, 'kills.ndjson.progress')));
}

async function changed(): Promise<void> {
  const ANEW = /^File or application is another one: from the start$/m;
  await admin.call('POST', '/apps', { applicationId: 'changed' });
  const name = 'changed.ndjson';
  const run = (): ChildProcess => carillon('changed', ['devices', 'import', name]);
  const breakOff = async (): Promise<void> => {
    const child = run();
    const ended = endOf(child);
    while (placeOf(name) < DEVICES / 4) await delay(5);
    child.kill('SIGKILL');
    await ended;
  };
  const again = async (words: string, lines: readonly string[]): Promise<void> => {
    const { code, stderr } = await endOf(run());
    holds(`${words}: begins anew and says so`, code === 3 && ANEW.test(stderr));
    await account('changed', name, lines);
  };
  const lines = linesOf('c');
  write(name, lines);
  await breakOff();
  await removeApplication('changed');
  await again('an application that was made anew', lines);
  await breakOff();
  const longer = [...linesOf('new', 1), ...lines];
  write(name, longer);
  await again('a line before the mark', longer);
  await breakOff();
  await removeApplication('changed');
  const others = linesOf('o');
  write(name, others);
  await again('another file of this name', others);
}

/** Its rows go in the next round of each minute. */
async function removeApplication(applicationId: string): Promise<void> {
  await admin.call('DELETE', `/apps/${applicationId}?devices=delete`);
  while ((await admin.call('POST', '/apps', { applicationId })).status !== 201) await delay(1_000);
}

async function events(): Promise<void> {
  const COUNT = 8_000;
  await admin.call('POST', '/apps', { applicationId: 'events' });
  const api = await Api.connect(server.url, 'events');
  await api.app('PUT', '/events/feed', { eventTypes: 'device.registered' });
  write('events.ndjson', linesOf('e', COUNT));
  await endOf(carillon('events', ['devices', 'import', 'events.ndjson']));
  const wanted = COUNT - COUNT / BAD_EACH;
  const proxy = await startCuttingProxy(server.url, () => randomInt(2_000, 20_000));
  const child = carillon('events', ['events', '--after', 'oldest', '--json'], proxy.url);
  let output = '';
  child.stdout!.on('data', (piece: Buffer) => (output += piece.toString('latin1')));
  const deadline = performance.now() + 120_000;
  while (output.split('\n').length <= wanted && performance.now() < deadline) await delay(500);
  // A second line of an event would come soon.
  await delay(2_000);
  child.kill('SIGTERM');
  await once(child, 'close');
  proxy.stop();
  const printed = output.trimEnd().split('\n');
  const ids = new Set(printed.map((line) => (JSON.parse(line) as { event: { id: string } }).event.id));
  console.log(`        ${proxy.cuts()} cuts, ${printed.length} lines of ${wanted} events`);
  holds(`at least ${CUTS} cuts`, proxy.cuts() >= CUTS);
  holds('each event is printed once', printed.length === wanted && ids.size === wanted);
}
