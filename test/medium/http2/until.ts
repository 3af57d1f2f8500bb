import { setTimeout as delay } from 'node:timers/promises';

/** Waits until the condition holds, checking every few milliseconds; rejects after the timeout. */
export async function until(what: string, condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await delay(5);
  }
}
