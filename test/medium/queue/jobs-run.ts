import { expect, vi } from 'vitest';
import type { Queues } from '../../../src/queue/queue.js';

/** Works the queue `expand`; returns the ids of the jobs that ran. */
export function workExpansions(queues: Queues): number[] {
  const ran: number[] = [];
  queues.work('expand', 1, ({ id }) => {
    ran.push(id);
    return Promise.resolve();
  });
  return ran;
}

/** Adds a job, repeatedly while that is refused, until it has run. */
export async function untilRun(queues: Queues, ran: readonly number[], id: number, timeout: number): Promise<void> {
  await vi.waitFor(
    async () => {
      await queues.add('expand', [{ id: `job-${id}`, data: { id } }]);
      expect(ran).toContain(id);
    },
    { timeout, interval: 200 },
  );
}
