import { expect, it } from 'vitest';
import { ApplicationLabels } from './application-labels.js';

function labels(most: number, ...registered: string[]): ApplicationLabels {
  const made = new ApplicationLabels();
  made.most = most;
  made.renew(registered);
  return made;
}

it('names listed applications, and sums up those beyond the limit', () => {
  const two = labels(2, 'a', 'b');
  expect(['a', 'b', 'c', 'd'].map((id) => two.of(id))).toEqual(['a', 'b', 'other', 'other']);
});

it('an application that is newer than the list has its name at once, and keeps it', () => {
  const some = labels(3, 'a');
  expect(some.of('new')).toBe('new');
  // This list was read before the application was registered.
  expect(some.renew(['a'])).toEqual([]);
  expect(some.of('new')).toBe('new');
  expect(some.renew(['a', 'new'])).toEqual([]);
  expect(some.of('new')).toBe('new');
});

it('the series of a removed application end, and a late count does not bring them back', () => {
  const some = labels(9, 'a', 'b');
  expect(some.renew(['a'])).toEqual(['b']);
  expect(some.of('b')).toBeNull();
  expect(some.renew(['a', 'b'])).toEqual([]);
  expect(some.of('b')).toBe('b');
});

it('an application that no list ever had is forgotten with the second list', () => {
  const some = labels(9, 'a');
  some.of('brief');
  expect(some.renew(['a'])).toEqual([]);
  expect(some.renew(['a'])).toEqual(['brief']);
});
