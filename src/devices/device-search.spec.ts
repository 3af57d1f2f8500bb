import { describe, expect, it } from 'vitest';
import { afterPrefix, readSearch } from './device-search.js';

describe('readSearch', () => {
  it('is undefined without a parameter of a search', () => {
    expect(readSearch({ userId: 'anna', size: '5', idPrefix: '' })).toBeUndefined();
  });

  it('reads every parameter', () => {
    const query = {
      state: 'retired',
      idPrefix: 'ab',
      userPrefix: 'an',
      tokenEnd: '12345678',
      language: 'DE-ch',
      attribute: 'tier:gold:2',
      platform: 'M',
    };
    expect(readSearch(query)).toEqual({
      ...query,
      language: 'de-CH',
      attribute: { name: 'tier', value: 'gold:2' },
      platform: 'W',
    });
  });

  it.each([
    [{ state: 'asleep' }, 'state'],
    [{ tokenEnd: '1234567' }, 'tokenEnd'],
    [{ language: 'no language' }, 'language'],
    [{ attribute: 'tier' }, 'attribute'],
    [{ attribute: ':gold' }, 'attribute'],
    [{ platform: 'X' }, 'platform'],
    [{ idPrefix: 'x'.repeat(5_000) }, 'idPrefix'],
    [{ idPrefix: ['a', 'b'] }, 'idPrefix'],
  ])('refuses %j', (query, name) => {
    expect(() => readSearch(query)).toThrow(`'${name}'`);
  });
});

describe('afterPrefix', () => {
  it.each([
    ['a', 'b'],
    ['ab', 'ac'],
    ['a\u{10ffff}', 'b'],
    ['\u{d7ff}', '\u{e000}'],
    ['😀', '😁'],
    ['\u{10ffff}', undefined],
  ])('%j: %j', (prefix, after) => {
    expect(afterPrefix(prefix)).toBe(after);
  });
});
