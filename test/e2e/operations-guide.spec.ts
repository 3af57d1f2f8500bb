import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { runToEnd, startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { freePort } from '../harness/servers.js';
import { SERVERS } from './stages.js';

/** Commands of docs/operations.md, run by a shell one after the other. */

const GUIDE = readFileSync('docs/operations.md', 'utf8');

/** The lines of code below a heading; a line that ends with a backslash goes on in the next. */
function commandsBelow(heading: string): string[] {
  const chapter = GUIDE.split(/^#+ /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...chapter.replaceAll(/ \\\n +/g, ' ').matchAll(/^ {4}(.+)$/gm)].map(([, line]) => line ?? '');
}

describe('the guide', () => {
  let folder: string;
  let carillon: RunningCarillon;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'carillon-guide-'));
    for (const name of ['backups', 'keys', 'safe/place']) mkdirSync(join(folder, name), { recursive: true });
    for (const name of ['dist', 'node_modules', 'package.json']) symlinkSync(resolve(name), join(folder, name));
    carillon = await startCarillon({ DATA_DIR: join(folder, '.data') });
  });
  afterAll(async () => {
    await carillon.stop();
    rmSync(folder, { recursive: true });
  });

  /** As an operator in the folder of the program. Returns the output. */
  const run = (line: string): string => {
    const here = line.replaceAll(/ \/(backups|keys|safe)\//g, ' $1/');
    const env = { PATH: process.env.PATH, HOME: folder };
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-ec', here], { cwd: folder, env, encoding: 'utf8' });
    expect([here, status, stderr]).toEqual([here, 0, '']);
    return stdout;
  };

  it('backs up a running installation, restores it, and checks the copy', async () => {
    const api = await Api.connect(carillon.url);
    await api.waitFor(await api.send({ message: { alert: 'Before the backup' } }));
    const outputs = commandsBelow('Backup').map(run).join('');
    expect(outputs).toMatch(/\d+ rows of \S+ are in backups\/carillon-1\n/);
    expect(outputs).toContain('The next start goes on with: 0 unfinished messages');
    expect(outputs).toContain('ok       database     embedded, in ');
    expect(outputs).toContain('Stopped until an application is enabled: 0 unfinished messages');
    const restored = await startCarillon({ DATA_DIR: join(folder, 'restored') });
    const { body } = await (await Api.connect(restored.url)).app<{ messages: unknown[] }>('GET', '/messages');
    await restored.stop();
    expect(JSON.stringify(body)).toContain('Before the backup');
  });

  it('takes a folder that is not whole away, and restores the last backup with its key', async () => {
    await carillon.stop();
    const DATA_DIR = join(folder, '.data');
    rmSync(join(DATA_DIR, 'postgres/global/pg_control'));
    const { code, output } = await runToEnd({ DATA_DIR, PORT: '0' });
    expect([code, output]).toEqual([1, expect.stringContaining(`DATA_DIR ${DATA_DIR} is not whole`)]);
    run('mv .data broken');
    run('node dist/main.js restore /backups/carillon-1');
    run('cp -p /keys/carillon .data/master.key');
    carillon = await startCarillon({ DATA_DIR });
    const { body } = await (await Api.connect(carillon.url)).app('GET', '/messages');
    expect(JSON.stringify(body)).toContain('Before the backup');
  });

  it.skipIf(SERVERS === null)('starts each role in production, and reads their log, metrics and state', async () => {
    const { environment } = await SERVERS!.prepare();
    const [api, worker, scheduler, metrics] = await Promise.all([1, 2, 3, 4].map(() => freePort()));
    const starts = commandsBelow('A deployment on PostgreSQL and Redis').filter((line) => /^(export|ROLES)/.test(line));
    expect(starts).toHaveLength(5);
    const reads = [
      ...commandsBelow('The log').map((line) => line.replace(/^node \S+ \|/, 'cat *.log |')),
      ...commandsBelow('The audit in a SIEM').filter((line) => line.startsWith('curl')),
      ...commandsBelow('Metrics').filter((line) => line.startsWith('curl')),
    ];
    expect(reads).toHaveLength(5);
    const token = 'http://localhost:9080/mfp/api/az/v1/token';
    const script = [
      'pids=',
      ...starts.map((line) => line.replace(/^ROLES=(\w+) .*/, 'METRICS_PORT=$METRICS_$1 $& >$1.log & pids="$pids $!"')),
      ...['9080', '9081', '9082'].map(
        (port) => `until curl -sf -o /dev/null http://localhost:${port}/health/ready; do sleep 0.1; done`,
      ),
      `ADMIN=$(sed -nE 's/.*this once: id (\\S+) secret ([^" ]+).*/\\1:\\2/p' *.log)`,
      `TOKEN=$(curl -s -u "$ADMIN" -d grant_type=client_credentials -d scope=mfpmonitor ${token} | jq -r .access_token)`,
      `curl -s -o /dev/null -u nobody:wrong -d grant_type=client_credentials ${token}`,
      ...reads.map((line, index) => `${line} >out.${index}`),
      'kill $pids',
      'wait',
    ].join('\n');
    const values = new Map<string | RegExp, string>([
      [/postgres:\/\/\S+/g, environment.DATABASE_URL!],
      ['redis://localhost', environment.QUEUE_URL!],
      ['9080', String(api)],
      ['9081', String(worker)],
      ['9082', String(scheduler)],
      ['9464', String(metrics)],
    ]);
    const here = [...values].reduce((text, [from, to]) => text.replaceAll(from, to), script);
    const env = { PATH: process.env.PATH, HOME: folder, METRICS_api: String(metrics) };
    const { status, stderr } = spawnSync('/bin/sh', ['-ec', here], { cwd: folder, env, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const out = (index: number): string => readFileSync(join(folder, `out.${index}`), 'utf8');
    expect(out(1)).toContain('"invalid_client"');
    expect(JSON.parse(out(3))).toMatchObject({ receiver: null, behind: 0 });
    expect(out(4)).toContain('carillon_queue_up');
  });

  it.skipIf(SERVERS === null)('moves a stopped installation to PostgreSQL', async () => {
    const { environment } = await SERVERS!.prepare();
    await carillon.stop();
    const [move = '', start = ''] = commandsBelow('From the embedded database to PostgreSQL').map((line) =>
      line.replaceAll(/postgres:\/\/\S+/g, environment.DATABASE_URL!),
    );
    expect(run(move)).toContain('and compared');
    expect(start).toMatch(/^MASTER_KEY=\$\(cat \.data\/master\.key\) DATABASE_URL=\S+ npm start$/);
    const checked = run(start.replace('npm start', 'node dist/main.js check'));
    expect(checked).toMatch(/^ok {7}master key /m);
    expect(existsSync(join(folder, '.data', 'postgres'))).toBe(true);
  });

  it('verifies the audit of a stopped installation, also against a checkpoint', async () => {
    await carillon.stop();
    const [verified, , against] = commandsBelow('The chain of the audit').map(run);
    for (const output of [verified, against]) expect(output).toMatch(/^The chain is whole/m);
  });

  it.each([
    ['TLS without a proxy', 'https', /"status":/],
    ['Administration on a port of its own', 'http', /^404\n200\n$/],
  ])('%s', async (heading, scheme, output) => {
    await carillon.stop();
    const [port, adminPort] = [await freePort(), await freePort()];
    const ready = `until curl -sk -o /dev/null ${scheme}://localhost:${port}/health/ready; do sleep 0.1; done`;
    const lines = commandsBelow(heading).flatMap((line) =>
      line.endsWith('&') ? [`${line.slice(0, -1)} >log 2>&1 &`, ready] : [line],
    );
    const script = [...lines, 'kill $!', 'wait']
      .join('\n')
      .replaceAll('9080', String(port))
      .replaceAll('9443', String(adminPort));
    const env = { PATH: process.env.PATH, HOME: folder, PORT: String(port) };
    const { status, stdout } = spawnSync('/bin/sh', ['-ec', script], { cwd: folder, env, encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, expect.stringMatching(output)]);
  });
});
