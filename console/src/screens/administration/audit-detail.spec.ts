import { expect, it } from 'vitest';
import { detailLines } from './audit-detail';

it('has a line for each value, and none for null', () => {
  expect(detailLines({ enabled: true, allowedScope: 'a b', jwks: null, from: 3 })).toEqual([
    'enabled: true',
    'allowedScope: a b',
    'from: 3',
  ]);
  expect(detailLines({})).toEqual([]);
});

it('shows the value before and after a change, and a dash where there is none', () => {
  expect(
    detailLines({ url: 'changed', before: { enabled: true, pace: 5 }, after: { enabled: false, list: ['a'] } }),
  ).toEqual(['url: changed', 'enabled: true → false', 'pace: 5 → –', 'list: – → ["a"]']);
});
