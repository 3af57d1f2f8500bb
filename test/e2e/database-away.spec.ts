import pg from 'pg';
import { afterEach, describe, expect, inject, it } from 'vitest';
import type { Api } from '../harness/api.js';
import { Deployment } from '../harness/deployment.js';
import { SERVERS } from './stages.js';

/** The database accepts no writes for longer than a lease (10 s) during a broadcast, and no process dies. */

const DEVICES = 3_000;
const AWAY_S = 16;

/** Faults of the program's database, and their ends, for an administrator of the server. */
const FAULTS = [
  ['away', 'allow_connections false', 'allow_connections true'],
  ['read-only', 'set default_transaction_read_only = on', 'reset default_transaction_read_only'],
] as const;

const CALLERS = 10;

/** Statuses of callers that post one message after another until the wait is over. */
async function callWithoutPause(url: string, api: Api, wait: () => Promise<unknown>): Promise<Set<number>> {
  const statuses = new Set<number>();
  let isOver = false;
  const post = async (): Promise<void> => {
    const answer = await fetch(`${url}/imfpush/v1/apps/${api.applicationId}/messages`, {
      method: 'POST',
      headers: { authorization: api.authorization, 'content-type': 'application/json' },
      body: '{"message":{"alert":"Code"},"target":{"userIds":["user-0"]}}',
    });
    await answer.text();
    statuses.add(answer.status);
  };
  await post();
  const callers = Array.from({ length: CALLERS }, async () => {
    while (!isOver) await post();
  });
  await wait();
  isOver = true;
  await Promise.all(callers);
  return statuses;
}

/** Checks for one line with a count per cause and minute, for any number of callers, without stacks. */
function expectFewLines(log: string): void {
  const kinds = new Map<string, number>();
  for (const line of log.split('\n').filter((each) => each !== '' && !each.includes(' [Request] '))) {
    expect(line).not.toMatch(/^\s+at /);
    const kind = line.replace(/^.*?\[(?=[A-Z])/, '').replaceAll(/[0-9a-f-]{16,}|\d+/g, '#');
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  // During AWAY_S and the terminations around it.
  for (const [kind, lines] of kinds) expect([kind, lines]).toEqual([kind, expect.toSatisfy((n: number) => n <= 3)]);
  expect(kinds.size).toBeLessThan(40);
}

describe.runIf(SERVERS)('a database that is unreachable for a while', () => {
  let deployment: Deployment | undefined;
  afterEach(() => deployment?.stop());

  it.each(FAULTS)('%s during a broadcast: each device gets the push once', async (_name, goes, returns) => {
    deployment = await Deployment.start(SERVERS!, DEVICES);
    const { api, simulators, environment } = deployment;
    const name = new URL(environment.DATABASE_URL!).pathname.slice(1);
    const server = new pg.Client({ connectionString: inject('postgresUrl')! });
    await server.connect();
    const alter = async (how: string): Promise<void> => {
      await server.query(`alter database "${name}" ${how}`);
      // Open sessions do not notice.
      await server.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    };
    try {
      const processes = [
        await deployment.startProcess('api'),
        await deployment.startProcess('worker'),
        await deployment.startProcess('worker'),
      ];
      const messageId = await deployment.broadcastUntilMiddle();
      const before = processes.map((each) => each.output().length);
      await alter(goes);
      const answers = await callWithoutPause(processes[0]!.url, api, () => server.query(`select pg_sleep(${AWAY_S})`));
      await alter(returns);
      expect(answers).toEqual(new Set([503]));
      for (const [index, each] of processes.entries()) expectFewLines(each.output().slice(before[index]));
      await expect
        .poll(async () => (await api.app('GET', `/messages/${messageId}`)).status, { timeout: 30_000 })
        .toBe(200);
      const report = await api.waitFor(messageId);
      expect(report.outcomes.accepted).toBe(DEVICES);
      expect(await simulators.admin.ledger('apns', messageId)).toMatchObject({
        accepted: DEVICES,
        distinct: DEVICES,
        repeats: 0,
      });
    } finally {
      await server.end();
    }
  });
});
