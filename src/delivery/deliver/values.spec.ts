import { expect, it } from 'vitest';
import { valuesFor } from './values.js';

const device = { seq: 1, userId: 'u1', language: 'de', appVersion: null, attributes: {}, fields: null };
const wanted = (...names: string[]) => names.map((name) => ({ name, required: true }));

it('prefers the caller’s value, then the device’s, then the app’s', () => {
  const source = {
    ...device,
    fields: { name: 'Ann', language: 'fr' },
    attributes: { name: 'Bob', userId: 'forged', points: 7, gold: false },
  };
  expect(valuesFor(wanted('name', 'language', 'userId', 'points', 'gold'), source)).toEqual({
    name: 'Ann',
    language: 'fr',
    userId: 'u1',
    points: '7',
    gold: 'false',
  });
});

it('contains only names that are wanted and known', () => {
  expect(valuesFor(wanted('appVersion', 'nothing', 'constructor'), device)).toEqual({});
  expect(valuesFor([], { ...device, attributes: { name: 'Ann' } })).toEqual({});
});
