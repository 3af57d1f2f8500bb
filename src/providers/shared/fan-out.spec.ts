import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { HostBreaker } from './host-breaker.js';
import { fanOut } from './fan-out.js';
import type { Verdict } from '../provider.js';

const ACCEPT: Verdict = { action: 'accept' };

/** Deliveries that settle on command, and their reports. */
function bench() {
  const begun: number[] = [];
  const settle = new Map<number, (verdict: Verdict) => void>();
  const reports: string[] = [];
  return {
    begun,
    settle,
    reports,
    deliver: (index: number) =>
      new Promise<Verdict>((resolve) => {
        begun.push(index);
        settle.set(index, resolve);
      }),
    report: (index: number, { action }: Verdict) => void reports.push(`${index} ${action}`),
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('fanOut', () => {
  it('reports each index once and never has more deliveries open than allowed', async () => {
    let open = 0;
    let most = 0;
    const counts = Array.from({ length: 100 }, () => 0);
    const deliver = async (): Promise<Verdict> => {
      most = Math.max(most, ++open);
      await turn();
      open--;
      return ACCEPT;
    };
    await fanOut(100, deliver, (index) => counts[index]!++, new AbortController().signal, { outstanding: () => 7 });
    expect(most).toBe(7);
    expect(counts.every((count) => count === 1)).toBe(true);
  });

  it('resolves for an empty list', async () => {
    const b = bench();
    await fanOut(0, b.deliver, b.report, new AbortController().signal);
    expect(b.reports).toEqual([]);
  });

  it('reports deliveries that have not begun as notSent after an abort, and waits for the rest', async () => {
    const b = bench();
    const controller = new AbortController();
    const done = fanOut(4, b.deliver, b.report, controller.signal, { outstanding: () => 2 });
    controller.abort();
    b.settle.get(0)!(ACCEPT);
    await turn();
    expect(b.reports).toEqual(['0 accept', '2 notSent', '3 notSent']);
    b.settle.get(1)!({ action: 'ambiguous', reason: 'time-out' });
    await done;
    expect(b.reports.slice(3)).toEqual(['1 ambiguous']);
    expect(b.begun).toEqual([0, 1]);
  });

  it('adds no listener to the signal, which dozens of sends may share', async () => {
    const { signal } = new AbortController();
    const b = bench();
    const done = fanOut(1, b.deliver, b.report, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    b.settle.get(0)!(ACCEPT);
    await done;
  });

  it('begins nothing if the signal has already aborted', async () => {
    const b = bench();
    await fanOut(2, b.deliver, b.report, AbortSignal.abort(), { outstanding: () => 2 });
    expect(b.begun).toEqual([]);
    expect(b.reports).toEqual(['0 notSent', '1 notSent']);
  });

  it('begins nothing more after a verdict stopped the application', async () => {
    const b = bench();
    const done = fanOut(5, b.deliver, b.report, new AbortController().signal, { outstanding: () => 2 });
    b.settle.get(0)!({ action: 'stopApplication', reason: 'Forbidden' });
    await turn();
    b.settle.get(1)!(ACCEPT);
    await done;
    expect(b.begun).toEqual([0, 1]);
    expect(b.reports).toEqual(['0 stopApplication', '2 notSent', '3 notSent', '4 notSent', '1 accept']);
  });

  it('begins nothing more after the application has to slow down, and continues after a device has to', async () => {
    const b = bench();
    const done = fanOut(4, b.deliver, b.report, new AbortController().signal, { outstanding: () => 1 });
    b.settle.get(0)!({ action: 'retryAfter', reason: '429', afterMs: 1_000, scope: 'device' });
    await turn();
    b.settle.get(1)!({ action: 'retryAfter', reason: '429', afterMs: 1_000, scope: 'application' });
    await done;
    expect(b.reports).toEqual(['0 retryAfter', '1 retryAfter', '2 notSent', '3 notSent']);
  });

  it('holds deliveries that have not begun when the breaker of their host opens', async () => {
    const b = bench();
    const breaker = new HostBreaker();
    const done = fanOut(4, b.deliver, b.report, new AbortController().signal, { outstanding: () => 2, breaker });
    b.settle.get(0)!({ action: 'retryAfter', reason: '503', afterMs: 60_000, scope: 'host' });
    await turn();
    b.settle.get(1)!({ action: 'retryBackoff', reason: '503' });
    await done;
    expect(b.begun).toEqual([0, 1]);
    expect(b.reports).toEqual(['0 retryAfter', '2 held', '3 held', '1 retryBackoff']);
  });

  it('rejects with an internal fault after the open deliveries have settled', async () => {
    const reports: number[] = [];
    const deliver = async (index: number): Promise<Verdict> => {
      if (index === 0) throw new Error('ours');
      await turn();
      return ACCEPT;
    };
    const done = fanOut(9, deliver, (index) => reports.push(index), new AbortController().signal, {
      outstanding: () => 3,
    });
    await expect(done).rejects.toThrow('ours');
    expect(reports).toEqual([1, 2]);
  });

  it('rejects if report throws', async () => {
    const deliver = (): Promise<Verdict> => Promise.resolve(ACCEPT);
    const report = (): void => {
      throw new Error('full');
    };
    await expect(fanOut(3, deliver, report, new AbortController().signal)).rejects.toThrow('full');
  });
});
