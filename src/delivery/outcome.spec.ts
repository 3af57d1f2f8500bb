import { describe, expect, it } from 'vitest';
import { OUTCOME, OUTCOME_NAMES, mayBecome } from './outcome.js';
import type { OutcomeName } from './outcome.js';

it('the stored codes of outcomes never change', () => {
  expect(OUTCOME).toEqual({
    pending: 0,
    inFlight: 1,
    accepted: 2,
    rejected: 3,
    failed: 4,
    expired: 5,
    cancelled: 6,
    unknown: 7,
  });
  expect(OUTCOME_NAMES.map((name) => OUTCOME[name])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

describe('mayBecome', () => {
  const allowed: Record<OutcomeName, OutcomeName[]> = {
    // Only a written delivery is accepted, rejected, failed or unknown.
    pending: ['inFlight', 'expired', 'cancelled'],
    inFlight: ['pending', 'accepted', 'rejected', 'failed', 'expired', 'cancelled', 'unknown'],
    // The delivery may have arrived: it may be repeated, but not called unsent.
    unknown: ['inFlight'],
    accepted: [],
    rejected: [],
    failed: [],
    expired: [],
    cancelled: [],
  };
  const pairs = OUTCOME_NAMES.flatMap((from) => OUTCOME_NAMES.map((to) => [from, to] as const));
  it.each(pairs)('%s to %s', (from, to) => {
    expect(mayBecome(OUTCOME[from], OUTCOME[to])).toBe(allowed[from].includes(to));
  });
});
