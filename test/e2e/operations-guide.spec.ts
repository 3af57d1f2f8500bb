import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { freePort } from '../harness/servers.js';
import { SERVERS } from './stages.js';

/** Commands of docs/operations.md, run by a shell one after the other. */

const GUIDE = readFileSync('docs/operations.md', 'utf8');

/** The lines of code below a heading; a line that ends with a backslash goes on in the next. */
function commandsBelow(heading: string): string[] {
  const chapter = GUIDE.slice(GUIDE.indexOf(`\n### ${heading}\n`) + 1).split(/^#+ /m)[1] ?? '';
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
