import { describe, expect, it } from 'vitest';
import { readInstant, readTiming } from './timing.js';

const NOW = Date.parse('2026-11-25T10:00:00.000Z');
const at = (text: string) => new Date(text);

describe('readTiming', () => {
  it.each<[string, object, object]>([
    ['nothing: at once, four weeks', {}, { sendAt: null, expiresAt: at('2026-12-23T10:00:00Z'), nowOrNever: false }],
    ['ttl', { ttl: 60 }, { sendAt: null, expiresAt: at('2026-11-25T10:01:00Z'), nowOrNever: false }],
    ['ttl 0 is now or never', { ttl: 0 }, { sendAt: null, expiresAt: at('2026-11-25T10:01:00Z'), nowOrNever: true }],
    [
      'sendAt: ttl counts from there',
      { sendAt: '2026-11-26T10:00:00+01:00', ttl: 60 },
      { sendAt: at('2026-11-26T09:00:00Z'), expiresAt: at('2026-11-26T09:01:00Z'), nowOrNever: false },
    ],
    [
      'a moment ago by another clock',
      { sendAt: '2026-11-25T09:59:30Z', ttl: 60 },
      { sendAt: null, expiresAt: at('2026-11-25T10:01:00Z'), nowOrNever: false },
    ],
    [
      'expiresAt',
      { expiresAt: '2026-11-25T10:00:01.5Z' },
      { sendAt: null, expiresAt: at('2026-11-25T10:00:01.500Z'), nowOrNever: false },
    ],
  ])('%s', (_what, request, timing) => {
    expect(readTiming(request, NOW)).toEqual(timing);
  });

  it.each<[string, object, string, string]>([
    ['the past', { sendAt: '2026-11-25T09:58:00Z' }, 'sendAt', 'it must be in the future'],
    ['a far year', { sendAt: '2036-11-25T09:58:00Z' }, 'sendAt', 'it must be within a year'],
    [
      'both ends',
      { ttl: 60, expiresAt: '2026-11-26T10:00:00Z' },
      'expiresAt',
      'only one of ttl and expiresAt can be set',
    ],
    [
      'an end before the start',
      { sendAt: '2026-11-27T10:00:00Z', expiresAt: '2026-11-26T10:00:00Z' },
      'expiresAt',
      'it must be after the time of sending',
    ],
    ['an end that is past', { expiresAt: '2026-11-25T10:00:00Z' }, 'expiresAt', 'it must be after the time of sending'],
    [
      'an end too late',
      { expiresAt: '2026-12-23T10:00:01Z' },
      'expiresAt',
      'it must be at most four weeks after the time of sending',
    ],
  ])('refuses %s', (_what, request, field, reason) => {
    expect(() => readTiming(request, NOW)).toThrow(`Check the '${field}' parameter value: ${reason}.`);
  });
});

it.each(['2026-12-24t18:00:00z', '2026-12-24T18:00:00z', '2026-12-24t19:00:00+01:00'])(
  'readInstant takes %j (RFC 3339 §5.6)',
  (text) => {
    expect(readInstant('sendAt', text)).toBe(Date.UTC(2026, 11, 24, 18));
  },
);

it('readInstant reads a leap second as the second after it', () => {
  expect(readInstant('sendAt', '2026-12-31T23:59:60Z')).toBe(Date.UTC(2027, 0, 1));
});

it.each([
  '',
  '2026-11-25',
  '2026-11-25 10:00:00Z',
  '2026-11-25T10:00:00',
  '2026-02-30T10:00:00Z',
  '2026-13-01T10:00:00Z',
  '2026-11-25T25:00:00Z',
  '1764064800',
  'now',
  '2026-11-25T10:00:00Z\n',
  '0000-01-01T00:00:00Z',
  '1969-12-31T23:59:59Z',
  '9999-12-31T23:59:59-01:00',
  '2026-12-24T24:00:00Z',
])('readInstant refuses %j', (text) => {
  expect(() => readInstant('sendAt', text)).toThrow("Check the 'sendAt' parameter value: it must be a time");
});
