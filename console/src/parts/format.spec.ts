import { describe, expect, it } from 'vitest';
import { parseWhole, percentText } from './format';

describe('parseWhole', () => {
  it.each<[string, string, number | null]>([
    ['de', '10000', 10_000],
    ['de', '10.000', 10_000],
    ['de', '10 000', 10_000],
    ['de', '10,0', null],
    ['de', '1.000', 1_000],
    ['de', '1.00', null],
    ['en', '10,000', 10_000],
    ['en', '10.000', null],
    ['en', ' 7 ', 7],
    ['en', '', null],
    ['en', '-5', null],
    ['en', '1e3', null],
    ['en', '1,0000', null],
  ])('%s: %j is %j', (locale, text, value) => {
    expect(parseWhole(text, locale)).toBe(value);
  });
});

describe('percentText', () => {
  it.each([
    [0, 0, '0%'],
    [99_999, 100_000, '99.9%'],
    [100_000, 100_000, '100%'],
    [1, 3, '33.3%'],
  ])('%i of %i is %s', (part, whole, text) => {
    expect(percentText(part, whole)).toBe(text);
  });
});
