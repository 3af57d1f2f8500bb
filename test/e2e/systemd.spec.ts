import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../harness/servers.js';
import { SERVERS } from './stages.js';

/** The commands of docs/operations.md under a systemd in namespaces of its own, which knows no unit but ours. */

const SYSTEMD = '/lib/systemd/systemd';
const UNITS = ['api', 'worker', 'scheduler'].map((role) => `carillon@${role}`);
const WAIT = { timeout: 20_000, interval: 200 };
const NAMESPACES = ['--mount', '--pid', '--uts', '--ipc', '--cgroup'];
/** Groups of processes are in one tree, or in one for each controller. */
const TREES = existsSync('/sys/fs/cgroup/cgroup.procs')
  ? [{ path: '/sys/fs/cgroup', mount: 'cgroup2' }]
  : [
      { path: '/sys/fs/cgroup/systemd', mount: 'cgroup -o none,name=systemd,xattr' },
      { path: '/sys/fs/cgroup/unified', mount: 'cgroup2' },
    ];

const isPossible =
  SERVERS !== null &&
  process.getuid?.() === 0 &&
  existsSync(SYSTEMD) &&
  spawnSync('unshare', [...NAMESPACES, '--fork', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0;

/** Sets the namespaces up, and becomes process 1 of them. The folders that the unit writes are its own. */
const script = (root: string): string => `set -e
mount --make-rprivate /
mount -t proc proc /proc
${TREES.length > 1 ? 'mount -t tmpfs tmpfs /sys/fs/cgroup' : ''}
${TREES.map(({ path, mount }) => `mkdir -p ${path}; mount -t ${mount} cgroup ${path}`).join('\n')}
for folder in /run /opt /var/lib; do mount -t tmpfs -o mode=755 tmpfs $folder; done
mkdir -p /run/etc /run/work /run/units /run/none /opt/carillon /etc/carillon
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work /etc
mkdir -p /etc/carillon
mount --bind -o ro '${root}' /opt/carillon
for name in sysinit basic network-online multi-user shutdown test; do
  printf '[Unit]\\nDefaultDependencies=no\\n' >/run/units/$name.target
done
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test SYSTEMD_UNIT_PATH=/run/units \\
  SYSTEMD_GENERATOR_PATH=/run/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/run/none ${SYSTEMD} --system --unit=test.target`;

describe.runIf(isPossible)('deploy/systemd', () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-systemd-'));
  const groups = TREES.map(({ path }) => join(path, `carillon-${process.pid}`));
  const ports = new Map<string, number>();
  let holder: ChildProcess;
  let processOne = '';
  let database: { port: number; url: URL; server?: Server };

  beforeAll(async () => {
    const { environment } = await SERVERS!.prepare();
    database = { port: await freePort(), url: new URL(environment.DATABASE_URL!) };
    for (const port of ['9080', '9081', '9082']) ports.set(port, await freePort());
    const through = new URL(database.url);
    through.host = `127.0.0.1:${database.port}`;
    const settings = { ...environment, DATABASE_URL: through.href, PORT: String(ports.get('9080')), HOST: '127.0.0.1' };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(folder, 'carillon.env'), lines.join(''));
    for (const group of groups) mkdirSync(group);
    writeFileSync(join(folder, 'start'), script(resolve('.')));
    const enter = groups.map((group) => `echo $$ >${group}/cgroup.procs`).join(' && ');
    const run = `${enter} && exec unshare ${NAMESPACES.join(' ')} --fork --kill-child /bin/sh ${folder}/start`;
    holder = spawn('/bin/sh', ['-c', run], { stdio: 'ignore' });
    await vi.waitFor(() => {
      processOne = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').trim();
      if (processOne === '' || systemctl('is-system-running') !== 'running') throw new Error('systemd is not up');
    }, WAIT);
  });
  afterAll(async () => {
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
    database.server?.close();
    await vi.waitFor(() => {
      spawnSync('find', [...groups, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
      if (groups.some((group) => existsSync(group))) throw new Error('a process of the test lives on');
    }, WAIT);
    rmSync(folder, { recursive: true });
  });

  const withPorts = (text: string): string =>
    [...ports].reduce((result, [from, to]) => result.replaceAll(from, String(to)), text);
  const entered = () => ['-t', processOne, '-m', '-p', '-u', '-i', '-C'];
  const inside = (...words: string[]) => spawnSync('nsenter', [...entered(), ...words], { encoding: 'utf8' });
  const systemctl = (...words: string[]): string => inside('systemctl', ...words).stdout.trim();
  const show = (unit: string, name: string): string => systemctl('show', unit, '-p', name, '--value');
  const isReady = async (): Promise<boolean> => {
    const ask = (port: number) => fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
    return (await Promise.all([...ports.values()].map(ask))).every((answer) => answer?.status === 200);
  };
  const untilReady = async (): Promise<void> => {
    await expect.poll(isReady, { timeout: 60_000, interval: 250 }).toBe(true);
  };

  it('starts the roles when their database comes, again after a crash, and stops them with 0', async () => {
    const [, chapter = ''] = readFileSync('docs/operations.md', 'utf8').split('### systemd\n');
    const commands = [...chapter.split('\n## ')[0]!.matchAll(/^ {4}(.+)$/gm)].map(([, line]) =>
      withPorts(line!)
        .replace('carillon.env /etc', `${folder}/carillon.env /etc`)
        .replace('/etc/systemd/system/', '/run/units/'),
    );
    expect(commands).toHaveLength(6);
    const { status, stderr } = inside('/bin/sh', '-ec', ['cd /opt/carillon', ...commands].join('\n'));
    expect(status, stderr).toBe(0);
    // A start without the database ends with 1, and is tried after 5 s.
    await expect.poll(() => UNITS.map((unit) => show(unit, 'ExecMainStatus'))).toEqual(['1', '1', '1']);
    const { hostname, port } = database.url;
    database.server = createServer((socket) => {
      const server = connect(Number(port), hostname);
      for (const [from, to] of [
        [socket, server],
        [server, socket],
      ] as const)
        from.on('error', () => to.destroy()).pipe(to);
    }).listen(database.port, '127.0.0.1');
    await untilReady();

    const [api = '', worker = ''] = UNITS;
    const before = show(worker, 'MainPID');
    inside('kill', '-9', before);
    inside('kill', '-HUP', show(api, 'MainPID'));
    await expect.poll(() => Number(show(worker, 'MainPID'))).toBeGreaterThan(Number(before));
    await untilReady();
    // The way to the database is in this process, which may not stand still meanwhile.
    await promisify(execFile)('nsenter', [...entered(), 'systemctl', 'stop', ...UNITS]);
    for (const unit of UNITS)
      expect([unit, show(unit, 'Result'), show(unit, 'ExecMainStatus')]).toEqual([unit, 'success', '0']);
  });
});
