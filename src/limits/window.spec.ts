import { describe, expect, it } from 'vitest';
import { Window } from './window.js';

const NOW = 1_000;

const admitted = (window: Window, limit: number, count: number, now = NOW) =>
  Array.from({ length: count }, () => window.admit(limit, now)).filter(({ waitMs }) => waitMs === 0).length;

describe('Window', () => {
  it('allows the limit in ten seconds, returns the rest and the wait, and then begins again', () => {
    const window = new Window();
    expect(window.admit(3, NOW)).toEqual({ left: 2, waitMs: 0 });
    expect(window.admit(3, NOW)).toEqual({ left: 1, waitMs: 0 });
    expect(window.admit(3, NOW + 4_000)).toEqual({ left: 0, waitMs: 0 });
    expect(window.admit(3, NOW + 4_000)).toEqual({ left: 0, waitMs: 6_000 });
    expect(window.admit(3, NOW + 10_000)).toEqual({ left: 2, waitMs: 0 });
  });

  it('reports its requests in lots of a hundredth of the limit, each once', () => {
    const window = new Window();
    admitted(window, 1_000, 9);
    expect(window.takeLot(1_000)).toBe(0);
    admitted(window, 1_000, 3);
    expect(window.takeLot(1_000)).toBe(12);
    expect(window.takeLot(1_000)).toBe(0);
  });

  it('two processes with a shared count allow the limit together, plus at most one lot each', () => {
    const limit = 1_000;
    const windows = [new Window(), new Window()];
    let total = 0;
    let passed = 0;
    for (let request = 0; request < 3_000; request++) {
      const window = windows[request % 2]!;
      passed += admitted(window, limit, 1);
      const lot = window.takeLot(limit);
      if (lot === 0) continue;
      total += lot;
      window.learn(window.number, total, 10_000, NOW);
    }
    expect(passed).toBeGreaterThanOrEqual(limit);
    expect(passed).toBeLessThanOrEqual(limit + 2 * 10);
  });

  it('a late report about the previous window is ignored', () => {
    const window = new Window();
    admitted(window, 2, 2);
    const { number } = window;
    expect(admitted(window, 2, 1, NOW + 10_000)).toBe(1);
    window.learn(number, 500, 1, NOW + 10_000);
    expect(admitted(window, 2, 2, NOW + 10_000)).toBe(1);
  });

  it('ends when the shared window ends', () => {
    const window = new Window();
    admitted(window, 2, 2);
    window.takeLot(2);
    window.learn(window.number, 2, 3_000, NOW);
    expect(window.admit(2, NOW + 2_999).waitMs).toBe(1);
    expect(window.admit(2, NOW + 3_000).waitMs).toBe(0);
  });
});
