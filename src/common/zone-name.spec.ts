import { expect, it } from 'vitest';
import { canonicalZone } from './zone-name.js';

it.each([
  'Europe/Berlin',
  'US/Eastern',
  'Asia/Calcutta',
  'UTC',
  'Etc/GMT-14',
  'EST',
  'MST7MDT',
  'GMT0',
  'europe/ZURICH',
])('%j is a time zone', (name) => {
  expect(canonicalZone(name)).toBeDefined();
});

it.each([
  'SystemV/EST5',
  'systemv/PST8PDT',
  'IST',
  'pst',
  'ACT',
  'Etc/Unknown',
  '+02:00',
  'Europe/Atlantis',
  '',
  'UTC\0',
])('%j is not a time zone', (name) => {
  expect(canonicalZone(name)).toBeUndefined();
});

it('all names of one zone have one canonical name', () => {
  expect(new Set(['Europe/Kyiv', 'Europe/Kiev', 'europe/KIEV'].map(canonicalZone)).size).toBe(1);
});
