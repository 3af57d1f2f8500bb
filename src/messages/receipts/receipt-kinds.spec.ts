import { expect, it } from 'vitest';
import { namesOf, toCounts, toDeviceReceipts } from './receipt-kinds.js';

it('every kind tells that the message was displayed', () => {
  expect(namesOf('displayed')).toEqual(['displayed']);
  expect(namesOf('opened')).toEqual(['displayed', 'opened']);
  expect(namesOf('dismissed')).toEqual(['displayed', 'dismissed']);
  expect(namesOf('action', 'reply')).toEqual(['displayed', 'action:reply']);
});

it('an action of the name of a kind is counted apart from the kind', () => {
  expect(toCounts({ displayed: 3, 'action:opened': 2, 'action:': 1 })).toEqual({
    displayed: 3,
    opened: 0,
    dismissed: 0,
    actions: { opened: 2, '': 1 },
  });
});

it('the report has the hundred most frequent actions', () => {
  const counts = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`action:a${index}`, index]));
  const { actions } = toCounts(counts)!;
  expect(Object.keys(actions)).toHaveLength(100);
  expect(actions.a149).toBe(149);
  expect(actions.a49).toBeUndefined();
  expect(toCounts(null)).toBeNull();
});

it('the times of a device', () => {
  expect(toDeviceReceipts({ displayed: 0, opened: 1_000, 'action:yes': 2_000 })).toEqual({
    displayedTime: '1970-01-01T00:00:00.000Z',
    openedTime: '1970-01-01T00:00:01.000Z',
    actionTimes: { yes: '1970-01-01T00:00:02.000Z' },
  });
});
