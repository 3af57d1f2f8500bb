import { describe, expect, it } from 'vitest';
import { ExactNumber } from '../common/json.js';
import {
  canonicalLanguage,
  canonicalTimeZone,
  wrongAttributes,
  wrongLanguage,
  wrongTimeZone,
} from './device-profile.js';

describe('a language', () => {
  it.each(['de', 'de-CH', 'zh-Hant-TW', 'sr-Latn', 'es-419', 'en-US-u-ca-gregory', 'DE-ch'])(
    '%s is one',
    (language) => {
      expect(wrongLanguage(language)).toBeNull();
    },
  );

  it.each(['', 'de_CH', 'd', 'german language', 'de-', 'x'.repeat(65), 7, null, ['de'], { a: 1 }])(
    '%j is none',
    (value) => {
      expect(wrongLanguage(value)).toMatch(/BCP 47/);
    },
  );

  it('a language is stored in its canonical form', () => {
    expect(['DE-ch', 'ZH-hant-tw', 'iw'].map(canonicalLanguage)).toEqual(['de-CH', 'zh-Hant-TW', 'he']);
  });
});

describe('a time zone', () => {
  it.each(['Europe/Zurich', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5', 'UTC', 'Asia/Kolkata'])(
    '%s is one',
    (zone) => {
      expect(wrongTimeZone(zone)).toBeNull();
      // Now from the cache.
      expect(wrongTimeZone(zone)).toBeNull();
    },
  );

  it.each(['', '+02:00', 'Europe/Atlantis', 'CEST+', 'Europe/Zurich\n', 'x'.repeat(100), 7, ['UTC'], undefined])(
    '%j is none',
    (value) => {
      expect(wrongTimeZone(value)).toMatch(/IANA/);
    },
  );

  it('a time zone is stored under its canonical name', () => {
    expect(new Set(['Europe/Kyiv', 'Europe/Kiev', 'EUROPE/kyiv'].map(canonicalTimeZone)).size).toBe(1);
    expect(['europe/ZURICH', 'Etc/UTC'].map(canonicalTimeZone)).toEqual(['Europe/Zurich', 'UTC']);
  });
});

describe('attributes', () => {
  it.each([
    [{}],
    [{ plan: 'gold', visits: 3, on: false, empty: '' }],
    [Object.fromEntries(Array.from({ length: 64 }, (_each, n) => [`a${n}`, n]))],
    [{ ['n'.repeat(64)]: 'x'.repeat(1_024) }],
    [{ toString: 'a name that every object has', valueOf: 1 }],
  ])('are good: %j', (value) => {
    expect(wrongAttributes(value)).toBeNull();
  });

  it.each([
    ['text', 'a', /object/],
    ['null', null, /object/],
    ['a list', [1], /object/],
    ['an object inside', { a: {} }, /text, a number or a boolean/],
    ['null inside', { a: null }, /text, a number or a boolean/],
    [
      'a number that a double cannot hold',
      { a: new ExactNumber('1147483645123456789') },
      /1147483645123456789.*as text/,
    ],
    ['such a number itself', new ExactNumber('1e400'), /object/],
    ['a number beyond all', { a: Infinity }, /text, a number or a boolean/],
    ['too many', Object.fromEntries(Array.from({ length: 65 }, (_each, n) => [`a${n}`, n])), /at most 64/],
    ['a name that is too long', { ['n'.repeat(65)]: 1 }, /1 to 64/],
    ['a text that is too long', { a: 'x'.repeat(1_025) }, /1024/],
    ['too many bytes', { a: '😀'.repeat(512), b: '😀'.repeat(512), c: 1 }, /4096 bytes/],
  ])('are not: %s', (_what, value, reason) => {
    expect(wrongAttributes(value)).toMatch(reason);
  });
});
