import { describe, expect, it } from 'vitest';
import { readTiming } from './timing.js';

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
