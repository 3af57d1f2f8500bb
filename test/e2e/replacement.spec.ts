import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { HAPROXY_AVAILABLE, startBalancer } from '../harness/haproxy.js';
import { freePort } from '../harness/servers.js';
import { SERVERS } from './stages.js';

/** Processes with the role `api` are replaced behind a balancer while callers send without a pause. */

const TIMES = Number(process.env.REPLACEMENTS ?? 3);
const EVERY_MS = 10;

const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
});

describe.runIf(SERVERS && HAPROXY_AVAILABLE)('an api that is replaced', () => {
  it(
    `no request of a hundred a second is refused or answered 5xx, and each key is one message, ${TIMES} times`,
    { timeout: 60_000 + TIMES * 20_000 },
    async () => {
      const { environment } = await SERVERS!.prepare();
      const ports = [await freePort(), await freePort()];
      const start = (port: number): Promise<RunningCarillon> =>
        startCarillon({ ...environment, ROLES: 'api', PORT: String(port), SHUTDOWN_DELAY: '4' });
      const processes = await Promise.all(ports.map(start));
      closing.push(() => Promise.all(processes.map((each) => each.kill())));
      const balancer = await startBalancer(ports);
      closing.push(() => balancer.stop());
      const api = await Api.connect(processes[0]!.url);
      await api.registerDevices([{ deviceId: 'ann', platform: 'A', token: 'sandbox:accepted:ann', userId: 'ann' }]);
      const url = `${balancer.through(processes[0]!.url)}imfpush/v1/apps/${api.applicationId}/messages`;

      const answers = new Map<string, number>();
      const ids = new Set<string>();
      const post = async (key: number): Promise<void> => {
        const headers = {
          authorization: api.authorization,
          'content-type': 'application/json',
          'idempotency-key': `key-${key}`,
        };
        const body = '{"message":{"alert":"x"},"target":{"userIds":["ann"]}}';
        const answer = await fetch(url, { method: 'POST', headers, body }).catch((error: Error) => error);
        const outcome = answer instanceof Error ? String(answer.cause) : String(answer.status);
        answers.set(outcome, (answers.get(outcome) ?? 0) + 1);
        if (outcome === '202') ids.add(((await (answer as Response).json()) as { messageId: string }).messageId);
      };
      let isOver = false;
      const sent: Promise<void>[] = [];
      const sending = (async () => {
        for (let due = performance.now(); !isOver; due += EVERY_MS) {
          if (due > performance.now()) await delay(due - performance.now());
          sent.push(post(sent.length));
        }
      })();
      for (let n = 0; n < TIMES; n++) {
        const at = n % ports.length;
        expect((await processes[at]!.stop()).code).toBe(0);
        processes[at] = await start(ports[at]!);
        // The balancer has seen the new one, before the other one goes.
        await delay(3_000);
      }
      isOver = true;
      await sending;
      await Promise.all(sent);
      expect([...answers]).toEqual([['202', sent.length]]);
      expect(ids.size).toBe(sent.length);
    },
  );
});
