import { describe, expect, it } from 'vitest';
import { de } from './de';
import { en } from './en';

/** The members by their path, each with the number of its parameters. */
function membersOf(dictionary: object, path = ''): string[] {
  return Object.entries(dictionary).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value === 'function') return [`${path}${name}(${value.length})`];
    if (typeof value === 'string') return [path + name];
    return membersOf(value as object, `${path}${name}.`);
  });
}

function textsOf(dictionary: object): string[] {
  return Object.values(dictionary).flatMap((value: unknown) => {
    if (typeof value === 'function') return [String((value as (...values: unknown[]) => unknown)('1', '1', '1'))];
    return typeof value === 'string' ? [value] : textsOf(value as object);
  });
}

describe('the dictionaries', () => {
  it('have the same members, with the same parameters', () => {
    expect(new Set(membersOf(de))).toEqual(new Set(membersOf(en)));
  });

  it.each([
    ['English', en],
    ['German', de],
  ])('%s: no text is empty or names a missing value', (_name, dictionary) => {
    expect(textsOf(dictionary).filter((text) => text.trim() === '' || /undefined|NaN|\[object/.test(text))).toEqual([]);
  });

  it('count none, one and two in German', () => {
    const counted = [0, 1, 2, 10_000].map((devices) => de.send.plan.send(devices));
    expect(counted).toEqual([
      'An 0 Geräte senden',
      'An 1 Gerät senden',
      'An 2 Geräte senden',
      'An 10,000 Geräte senden',
    ]);
  });
});
