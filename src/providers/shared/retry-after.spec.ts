import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clampWait, readRetryAfter } from './retry-after.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const DAY_MS = 86_400_000;

describe('readRetryAfter', () => {
  it.each([
    ['120', 120_000],
    [' 7 ', 7_000],
    ['0', 1_000],
    ['999999999', DAY_MS],
    ['Mon, 23 Nov 2026 10:01:30 GMT', 90_000],
    ['Monday, 23-Nov-26 10:01:30 GMT', 90_000],
    ['Mon Nov 23 10:01:30 2026', 90_000],
    ['Thu Dec  3 10:00:00 2026', DAY_MS],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 1_000],
    ['Mon, 23 Nov 2026 10:01:30 +0100', undefined],
    ['Mon, 23 Nox 2026 10:01:30 GMT', undefined],
    ['Mon, 23 Nov 2026 09:00:00 GMT', 1_000],
    ['Tue, 23 Nov 2027 10:00:00 GMT', DAY_MS],
    [undefined, undefined],
    ['', undefined],
    ['soon', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['2026', 2_026_000],
    ['Mon, nonsense', undefined],
  ])('reads %j as %j ms', (value, expected) => {
    expect(readRetryAfter(value, NOW)).toBe(expected);
  });
});

describe('reads dates in a process that does not run in UTC', () => {
  beforeAll(() => {
    vi.stubEnv('TZ', 'America/New_York');
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  it.each(['Mon, 23 Nov 2026 10:01:30 GMT', 'Monday, 23-Nov-26 10:01:30 GMT', 'Mon Nov 23 10:01:30 2026'])(
    'reads %s as UTC',
    (value) => {
      expect(new Date(NOW).getHours()).toBe(5);
      expect(readRetryAfter(value, NOW)).toBe(90_000);
    },
  );
});

it('clampWait limits a wait to 1 s to 24 h', () => {
  expect([clampWait(3), clampWait(2_500), clampWait(Infinity)]).toEqual([1_000, 2_500, DAY_MS]);
});
