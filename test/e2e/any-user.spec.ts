import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLES } from '../../src/role.js';
import { SERVERS } from './stages.js';

/** As on OpenShift: a user id without a name, group 0, no HOME, a read-only file system with a /tmp of its own. */

const USER = ['setpriv', '--reuid=1000650000', '--regid=0', '--clear-groups', '--no-new-privs'];
const CONFINE = 'mount --make-rprivate / && mount -o remount,bind,ro / && mount -t tmpfs -o mode=1777 tmpfs /tmp';
const MAIN = resolve('dist/main.js');

/** The command that runs the arguments as that user. */
function confined(environment: Record<string, string>, ...args: string[]): [string, string[]] {
  const variables = Object.entries({ PATH: process.env.PATH, ...environment }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const script = `${CONFINE} && exec "$@"`;
  return ['unshare', ['--mount', '/bin/sh', '-c', script, 'sh', ...USER, 'env', '-i', ...variables, ...args]];
}

function run(environment: Record<string, string>, ...args: string[]): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(...confined(environment, ...args), { encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}

/** Only root may mount, and the user needs to see the program. */
const isConfinable =
  SERVERS !== null &&
  run({}, 'touch', '/usr/here').output.includes('Read-only file system') &&
  run({}, 'test', '-r', MAIN).code === 0;

describe.runIf(isConfinable)('any user, nothing writable', () => {
  let environment: Record<string, string>;
  let folder: string;
  beforeAll(async () => {
    ({ environment } = await SERVERS!.prepare());
    environment = { ...environment, NODE_ENV: 'production', PORT: '0', HOST: '127.0.0.1' };
    folder = mkdtempSync('/var/tmp/carillon-any-user-');
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'other'), { mode: 0o700 });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    [['migrate'], /^/],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
    [['--check'], /^ok {7}database /m],
    [['audit', 'verify'], /^The chain is whole/m],
  ])('runs the command %j', (command, words) => {
    const { code, output } = run(environment, process.execPath, MAIN, ...command);
    expect([code, output]).toEqual([0, expect.stringMatching(words)]);
  });

  it.each(ROLES)('starts the role %s, and ends it with 0', async (role) => {
    const child = spawn(...confined({ ...environment, ROLES: role }, process.execPath, MAIN));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
    const exit = once(child, 'exit');
    await expect.poll(() => output, { timeout: 30_000 }).toContain('listens on');
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    expect(output).not.toMatch(/EROFS|EACCES/);
  });

  it('names the file of a secret that it cannot read, without the content', () => {
    const { MASTER_KEY = '', ...rest } = environment;
    const file = join(folder, 'key');
    writeFileSync(file, `${MASTER_KEY}\n`, { mode: 0o600 });
    const place = { ...rest, MASTER_KEY_FILE: file };
    const refused = run(place, process.execPath, MAIN, '--check');
    expect([refused.code, refused.output]).toEqual([
      1,
      expect.stringContaining('MASTER_KEY_FILE cannot be read (EACCES)'),
    ]);
    chmodSync(file, 0o644);
    expect(run(place, process.execPath, MAIN, '--check').code).toBe(0);
    expect(refused.output).not.toContain(MASTER_KEY);
  });

  it('names the data folder that it cannot write, in the check and at the start', () => {
    const { DATABASE_URL: _database, QUEUE_URL: _queue, ...embedded } = environment;
    const place = { ...embedded, DATA_DIR: join(folder, 'other') };
    const refusal = `DATA_DIR ${place.DATA_DIR} cannot be written: EACCES`;
    for (const command of ['--check', undefined]) {
      const { code, output } = run(place, process.execPath, MAIN, ...(command ? [command] : []));
      expect([code, output]).toEqual([1, expect.stringContaining(refusal)]);
    }
  });
});
