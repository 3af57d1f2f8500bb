import { describe, expect, it } from 'vitest';
import { EXACT, EXACT_OR_CONTAINS, readFilter } from './filter.js';

const names = { platform: EXACT, name: EXACT_OR_CONTAINS };

describe('a filter', () => {
  it.each([
    ['absent', undefined, []],
    ['empty', '', []],
    ['exact', 'name==a', [[{ name: 'name', operator: '==', value: 'a' }]]],
    ['contains', 'name=@a b', [[{ name: 'name', operator: '=@', value: 'a b' }]]],
    ['for nothing', 'name==', [[{ name: 'name', operator: '==', value: '' }]]],
    ['whose value has the operator', 'name===@==', [[{ name: 'name', operator: '==', value: '=@==' }]]],
    [
      'with a comma: or',
      'name==a,platform==G',
      [
        [
          { name: 'name', operator: '==', value: 'a' },
          { name: 'platform', operator: '==', value: 'G' },
        ],
      ],
    ],
    [
      'given twice: and',
      ['name==a', 'platform==G'],
      [[{ name: 'name', operator: '==', value: 'a' }], [{ name: 'platform', operator: '==', value: 'G' }]],
    ],
    ['with an escaped comma', 'name==a\\,b', [[{ name: 'name', operator: '==', value: 'a,b' }]]],
    [
      'with an escaped backslash',
      'name==a\\\\,name==b',
      [
        [
          { name: 'name', operator: '==', value: 'a\\' },
          { name: 'name', operator: '==', value: 'b' },
        ],
      ],
    ],
    [
      'with a backslash before another character',
      'name==a\\b\\',
      [[{ name: 'name', operator: '==', value: 'a\\b\\' }]],
    ],
    ['over lines and planes', 'name==a\n😀', [[{ name: 'name', operator: '==', value: 'a\n😀' }]]],
  ])('%s', (_name, text, wanted) => {
    expect(readFilter({ filter: text }, names)).toEqual(wanted);
  });

  it.each([
    ['without an operator', 'name', /name==value or name=@value/],
    ['with a single =', 'name=a', /name==value or name=@value/],
    ['ending in a comma', 'name==a,', /name==value/],
    ['by an unknown name', 'colour==red', /platform or name/],
    ['by a name that every object has', 'constructor==a', /platform or name/],
    ['with an operator that the name does not take', 'platform=@A', /platform takes ==/],
    ['of too many conditions', Array.from({ length: 101 }, () => 'name==a').join(','), /at most 100/],
  ])('refuses a filter %s', (_name, text, reason) => {
    expect(() => readFilter({ filter: text }, names)).toThrow(reason);
  });
});
