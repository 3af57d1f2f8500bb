import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { runCarillon, startCarillon } from '../harness/carillon.js';
import type { Run, RunningCarillon } from '../harness/carillon.js';
import { EMBEDDED, EMPTY_SERVERS } from './stages.js';

/** Signals during a start, a migration, an import and a drain: a log line, an exit code, and no partial state. */

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const newClient = (environment: Record<string, string>): pg.Client =>
  new pg.Client({ connectionString: environment.DATABASE_URL });

function run(environment: Record<string, string>, ...command: string[]): Run {
  const started = runCarillon({ PORT: '0', HOST: '127.0.0.1', ...environment }, [], command);
  children.push(started.child);
  return started;
}

it('a first start that is stopped logs it and releases its folder, and the next start completes it', async () => {
  const DATA_DIR = mkdtempSync(join(tmpdir(), 'carillon-cut-'));
  const { child, output, exited } = run({ DATA_DIR });
  await expect.poll(() => existsSync(join(DATA_DIR, 'postgres.unfinished')), { timeout: 60_000 }).toBe(true);
  child.kill('SIGTERM');
  expect([await exited, output()]).toEqual([0, 'carillon: Stopped by SIGTERM during the start\n']);
  expect(existsSync(join(DATA_DIR, 'lock'))).toBe(false);
  const carillon = await startCarillon({ DATA_DIR });
  expect((await carillon.stop()).code).toBe(0);
  rmSync(DATA_DIR, { recursive: true });
});

/** Linux ignores a signal without a handler for the process that starts in this way, as for that of a container. */
const [UNSHARE, ...NAMESPACE] = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] as const;

it.runIf(spawnSync(UNSHARE, [...NAMESPACE, 'true']).status === 0)(
  'a first start as process 1 is stopped by SIGTERM',
  async () => {
    const DATA_DIR = mkdtempSync(join(tmpdir(), 'carillon-cut-'));
    const { PATH } = process.env;
    const child = spawn(UNSHARE, [...NAMESPACE, process.execPath, 'dist/main.js'], {
      env: { PATH, PORT: '0', HOST: '127.0.0.1', DATA_DIR },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const exited = once(child, 'close');
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => void (output += chunk.toString()));
    await expect.poll(() => existsSync(join(DATA_DIR, 'postgres.unfinished')), { timeout: 60_000 }).toBe(true);
    process.kill(Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')), 'SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(output).toBe('carillon: Stopped by SIGTERM during the start\n');
    rmSync(DATA_DIR, { recursive: true });
  },
);

describe.runIf(EMPTY_SERVERS)('a migration that waits for a lock', () => {
  const BACKENDS = `select count(*)::int as n from pg_stat_activity
    where datname = current_database() and application_name = 'carillon-migrations'`;

  it.each([
    ['npm run migrate', ['migrate'], 1, 'Stopped by SIGTERM: the database rolls back what was begun; run it again'],
    ['a start', [], 0, 'Stopped by SIGTERM during the start'],
  ] as const)(
    'that is stopped in %s is rolled back by the server, and the next start continues',
    async (_what, program, code, says) => {
      const { environment } = await EMPTY_SERVERS!.prepare();
      // A transaction sees the activity of other sessions as of its first query.
      const [blocker, looker] = [newClient(environment), newClient(environment)];
      await Promise.all([blocker.connect(), looker.connect()]);
      const migrating = async (condition: string): Promise<number> => {
        const { rows } = await looker.query<{ n: number }>(`${BACKENDS} and ${condition}`);
        return rows[0]!.n;
      };
      try {
        await blocker.query('begin');
        // The migration waits for this transaction, because it creates a table of the same name.
        await blocker.query('create table application (id int)');
        const first = run(environment, ...program);
        await expect.poll(() => migrating(`wait_event_type = 'Lock'`), { timeout: 60_000 }).toBe(1);
        first.child.kill('SIGTERM');
        expect([await first.exited, first.output()]).toEqual([code, `carillon: ${says}\n`]);
        await expect.poll(() => migrating('true'), { timeout: 30_000 }).toBe(0);
        await blocker.query('rollback');
        expect((await looker.query("select to_regclass('application') as made")).rows).toEqual([{ made: null }]);
        const second = run(environment, 'migrate');
        expect([await second.exited, second.output()]).toEqual([
          0,
          expect.stringContaining('the tables are up to date'),
        ]);
      } finally {
        await Promise.all([blocker.end(), looker.end()]);
      }
    },
  );
});

describe('a drain', () => {
  let carillon: RunningCarillon;
  let clean: () => void;
  afterEach(() => clean());

  /** An import that has sent one line and then sends nothing. */
  const startImport = async (
    timeoutS: number,
  ): Promise<{ sending: ClientRequest; answer: Promise<IncomingMessage> }> => {
    const prepared = await EMBEDDED.prepare();
    clean = prepared.clean;
    carillon = await startCarillon({ ...prepared.environment, SHUTDOWN_TIMEOUT: String(timeoutS) });
    const { authorization } = await Api.connect(carillon.url);
    const url = `${carillon.url}/imfpush/v1/apps/com.example.app/devices:import`;
    const headers = { authorization, 'content-type': 'application/x-ndjson', expect: '100-continue' };
    const sending = request(url, { method: 'POST', headers });
    const answer = once(sending, 'response').then(([response]) => response as IncomingMessage);
    answer.catch(() => undefined);
    sending.on('error', () => undefined);
    sending.flushHeaders();
    await once(sending, 'continue');
    sending.write('{"deviceId":"cut","platform":"G","token":"sandbox:accepted:cut"}\n');
    return { sending, answer };
  };

  it('answers the number of stored devices to an open import, and ends with 0', async () => {
    const { answer } = await startImport(4);
    process.kill(carillon.pid, 'SIGTERM');
    const response = await answer;
    let body = '';
    for await (const piece of response) body += String(piece);
    expect([response.statusCode, JSON.parse(body)]).toEqual([
      503,
      {
        code: 'FPWSE0025E',
        message: 'The import was interrupted: this process stops. 1 devices are registered. Repeat the import.',
      },
    ]);
    expect(await carillon.exited).toBe(0);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends at once after a second signal, %s, logs it, and releases its folder',
    async (signal) => {
      const { sending } = await startImport(60);
      process.kill(carillon.pid, 'SIGTERM');
      // Signals within half a second count as one keystroke.
      const again = setInterval(() => process.kill(carillon.pid, signal), 100);
      const code = await carillon.exited;
      clearInterval(again);
      sending.destroy();
      expect(code).toBe(1);
      expect(carillon.output()).toMatch(new RegExp(`carillon: Stopped at once by a second signal, ${signal}: .*\\n$`));
      const second = await startCarillon({ DATA_DIR: /data +(\S+)/.exec(carillon.output())![1]! });
      expect(second.output()).not.toContain('WARN');
      expect((await second.stop()).code).toBe(0);
    },
  );
});
