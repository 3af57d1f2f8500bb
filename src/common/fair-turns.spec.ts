import { describe, expect, it } from 'vitest';
import { FairTurns } from './fair-turns.js';

/** Starts work of these keys at once; returns the order in which the work ran. */
async function orderOf(keys: readonly string[], atOnce = 1): Promise<string[]> {
  const turns = new FairTurns(atOnce);
  const order: string[] = [];
  await Promise.all(
    keys.map((key) =>
      turns.take(key, async () => {
        order.push(key);
        await Promise.resolve();
      }),
    ),
  );
  return order;
}

describe('FairTurns', () => {
  it('waiting keys take turns: a key with many pieces of work does not delay a key with one', async () => {
    expect(await orderOf(['a', 'a', 'a', 'a', 'b', 'c', 'c'])).toEqual(['a', 'a', 'b', 'c', 'a', 'c', 'a']);
  });

  it('runs at most `atOnce` pieces of work at once', async () => {
    const turns = new FairTurns(2);
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => turns.take(String(index % 3), work)));
    expect(most).toBe(2);
  });

  it('a turn stays taken during the rest after its work; the caller does not wait for the rest', async () => {
    const ran: string[] = [];
    const pauses: number[] = [];
    const turns = new FairTurns(1, (tookMs) => {
      pauses.push(tookMs);
      return 20;
    });
    const began = performance.now();
    await turns.take('a', async () => void ran.push('first'));
    expect(pauses).toHaveLength(1);
    const second = turns.take('a', async () => void ran.push('second'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ran).toEqual(['first']);
    await second;
    expect(ran).toEqual(['first', 'second']);
    expect(performance.now() - began).toBeGreaterThan(18);
  });

  it('work that fails passes its turn on', async () => {
    const turns = new FairTurns(1);
    await expect(turns.take('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await turns.take('a', () => Promise.resolve(1))).toBe(1);
  });
});
