import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Api } from '../harness/api.js';
import { runToEnd, startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { SERVERS } from './stages.js';

/** Several processes of one start, with WORKERS and API_PROCESSES. */

/** The processes of a start, from the supervisor's lines of the log: name to process id of the last start. */
function processesOf(carillon: RunningCarillon): Map<string, number> {
  const started = [...carillon.output().matchAll(/(\w+ \d+) has started \(process (\d+)\)/g)];
  return new Map(started.map(([, name = '', pid]) => [name, Number(pid)]));
}

const until = (isTrue: () => boolean): Promise<boolean> => vi.waitUntil(isTrue, { timeout: 60_000 });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(SERVERS === null)('a start with two api processes and a worker', () => {
  let environment: Record<string, string>;
  let carillon: RunningCarillon;

  beforeAll(async () => {
    environment = { ...(await SERVERS!.prepare()).environment, WORKERS: '1', API_PROCESSES: '2' };
    carillon = await startCarillon(environment, ['--max-old-space-size=300']);
    await until(() => processesOf(carillon).size === 3);
  });
  afterAll(() => carillon.kill());

  const pidOf = (name: string): number => processesOf(carillon).get(name) ?? 0;

  it('delivers a message', async () => {
    const api = await Api.connect(carillon.url);
    const messageId = await api.send({ message: { alert: 'Hello' } });
    const report = await api.waitFor(messageId, ({ state }) => state === 'finished');
    expect(report.outcomes.accepted).toBeGreaterThan(0);
  });

  it('lists the processes with their roles, each of them running', async () => {
    const api = await Api.connect(carillon.url);
    const { body } = await api.call<{ processes: { name: string; roles: string[]; state: string }[] }>(
      'GET',
      '/system',
    );
    expect(body.processes.map(({ name, roles, state }) => [name, roles, state])).toEqual([
      ['api 1', ['api', 'scheduler'], 'running'],
      ['api 2', ['api'], 'running'],
      ['worker 1', ['worker'], 'running'],
    ]);
  });

  it('gives its flags to all processes', () => {
    for (const pid of processesOf(carillon).values())
      expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('--max-old-space-size=300');
  });

  it('starts killed processes again, and meanwhile the other api process answers', async () => {
    const killed = ['api 2', 'worker 1'].map((name) => ({ name, pid: pidOf(name) }));
    for (const { pid } of killed) process.kill(pid, 'SIGKILL');
    await until(() => !killed.some(({ pid }) => isAlive(pid)));
    const answer = await fetch(`${carillon.url}/health/ready`, { headers: { connection: 'close' } });
    expect(answer.status).toBe(200);
    await until(() => killed.every(({ name, pid }) => pidOf(name) !== pid));
    for (const { name, pid } of killed)
      expect(carillon.output()).toContain(`${name} (process ${pid}) ended by SIGKILL and starts again in 1 s`);
  });

  it('a second start at the same port ends with one line and exit code 1', async () => {
    const { port } = new URL(carillon.url);
    const { code, output } = await runToEnd({ ...environment, HOST: '127.0.0.1', PORT: port });
    expect(code).toBe(1);
    expect(output.trim().split('\n')).toEqual([
      expect.stringContaining(`Cannot listen on HOST 127.0.0.1, PORT ${port}`),
    ]);
  });

  it('drains all processes on SIGTERM and ends with 0', async () => {
    const pids = [...processesOf(carillon).values()];
    expect((await carillon.stop()).code).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('no process stays if the supervisor is killed', async () => {
    carillon = await startCarillon({ ...environment, ROLES: 'worker', WORKERS: '2', API_PROCESSES: '1' });
    await until(() => processesOf(carillon).size === 2);
    const pids = [...processesOf(carillon).values()];
    process.kill(carillon.pid, 'SIGKILL');
    await until(() => !pids.some(isAlive));
    await carillon.exited;
  });
});
