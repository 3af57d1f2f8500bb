import { expect, it } from 'vitest';
import type { Verdict } from '../provider.js';
import { withLife } from './time-to-live.js';

const AGAIN: Verdict[] = [
  { action: 'retryBackoff', reason: 'busy', floorMs: 1_000 },
  { action: 'retryAfter', reason: 'slow down', afterMs: 1_000, scope: 'device' },
  { action: 'ambiguous', reason: 'lost' },
];
const FINAL: Verdict[] = [
  { action: 'accept' },
  { action: 'dropDevice', reason: 'gone', certain: true },
  { action: 'stopApplication', reason: 'key' },
  { action: 'fail', reason: 'too large' },
  { action: 'notSent' },
];

it.each(AGAIN)("$action is not retried after the caller's time to live", (verdict) => {
  expect(withLife(verdict, 90)).toEqual({ ...verdict, lifeMs: 90_000 });
  expect(withLife(verdict, 0)).toEqual({ ...verdict, lifeMs: 0 });
  expect(withLife(verdict, undefined)).toBe(verdict);
});

it.each(FINAL)('$action stays unchanged', (verdict) => {
  expect(withLife(verdict, 0)).toBe(verdict);
});
