import { describe, expect, it } from 'vitest';
import { readRange, toPoints } from './points.js';

const NOW = Date.UTC(2026, 10, 29, 16, 10, 30);

describe('the range of a time series', () => {
  it.each([
    [{}, 'minute', '2026-11-29T15:11:00.000Z', '2026-11-29T16:11:00.000Z'],
    [{ step: 'hour' }, 'hour', '2026-11-28T17:00:00.000Z', '2026-11-29T17:00:00.000Z'],
    [{ step: 'day' }, 'day', '2026-10-31T00:00:00.000Z', '2026-11-30T00:00:00.000Z'],
    [
      { from: '2026-11-29T14:30:10Z', to: '2026-11-29T15:00:00Z', step: 'hour' },
      'hour',
      '2026-11-29T14:00:00.000Z',
      '2026-11-29T15:00:00.000Z',
    ],
    [{ from: '2026-11-28T15:11:00Z' }, 'minute', '2026-11-28T15:11:00.000Z', '2026-11-29T16:11:00.000Z'],
  ])('%o has whole steps', (query, step, from, to) => {
    const range = readRange(query, NOW);
    expect([range.step, new Date(range.from).toISOString(), new Date(range.to).toISOString()]).toEqual([
      step,
      from,
      to,
    ]);
  });

  it.each([
    [{ step: 'week' }, /'step'/],
    [{ from: 'yesterday' }, /'from'/],
    [{ from: '2026-11-29T16:11:00Z' }, /'from'.*before to/],
    [{ from: '2026-11-28T15:10:00Z' }, /'step'.*1500 points/],
    [{ from: '2026-11-26T16:00:00Z', to: '2026-11-26T17:00:00Z' }, /'from'.*kept for 3 days/],
    [{ from: '2026-08-20T00:00:00Z', to: '2026-08-21T00:00:00Z', step: 'hour' }, /'from'.*kept for 100 days/],
  ])('%o is refused with the field', (query, reason) => {
    expect(() => readRange(query, NOW)).toThrow(reason);
  });
});

it('a step without a count is a point, and an outcome without a change is absent', () => {
  const range = { from: NOW - 30_000, to: NOW + 90_000, step: 'minute' as const };
  const at = new Date(range.from + 60_000);
  const points = toPoints(range, [
    { at, name: 'message', counts: [3] },
    { at, name: 'device', counts: [2] },
    { at, name: 'receipt', counts: [4, 3, 2, 1] },
    { at, name: 'fcm', counts: [0, 0, 5, 0, 0, 0, 0, -1] },
  ]);
  expect(points).toEqual([
    { time: '2026-11-29T16:10:00.000Z', accepted: 0, outcomes: {}, registrations: 0 },
    {
      time: '2026-11-29T16:11:00.000Z',
      accepted: 3,
      outcomes: { fcm: { accepted: 5, unknown: -1 } },
      registrations: 2,
      receipts: { displayed: 4, opened: 3, dismissed: 2, actions: 1 },
    },
  ]);
});
