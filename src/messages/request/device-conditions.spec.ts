import { describe, expect, it } from 'vitest';
import { readTarget } from './target.js';

it.each<[unknown, unknown]>([
  [undefined, {}],
  [{ platforms: ['A'] }, { platforms: ['A'] }],
  [{ languages: ['de', 'pt_BR'] }, { where: [{ kind: 'language', of: ['de', 'pt-br'] }] }],
  [
    { tagNames: ['news'], timeZones: ['Europe/Berlin'] },
    { tagNames: ['news'], where: [{ kind: 'timeZone', of: ['Europe/Berlin'], orNone: false }] },
  ],
  [
    { timeZones: ['EUROPE/berlin'] },
    { where: [{ kind: 'timeZone', of: ['EUROPE/berlin', 'Europe/Berlin'], orNone: false }] },
  ],
  [{ appVersion: { min: '2.10', max: '3' } }, { where: [{ kind: 'appVersion', min: '2.10', max: '3' }] }],
  [
    { attributes: { plan: 'gold', age: { min: 18 }, city: ['Bonn', 'Bern'], vip: true } },
    {
      where: [
        { kind: 'attribute', name: 'plan', in: ['gold'] },
        { kind: 'attributeRange', name: 'age', min: 18, max: undefined },
        { kind: 'attribute', name: 'city', in: ['Bonn', 'Bern'] },
        { kind: 'attribute', name: 'vip', in: [true] },
      ],
    },
  ],
])('%j', (target, expected) => {
  expect(readTarget(target)).toEqual(expected);
});

describe('refuses an unknown target, which must not become a broadcast', () => {
  it.each<[unknown, string]>([
    [null, "'target'"],
    [{}, "'target' parameter value: it is empty"],
    [{ language: ['de'] }, "'target.language'"],
    [{ languages: [] }, "'target.languages'"],
    [{ languages: ['german!'] }, "'target.languages'"],
    [{ languages: 'de' }, "'target.languages'"],
    [{ languages: null }, "'target.languages'"],
    [{ timeZones: ['Mars/Base'] }, "'target.timeZones'"],
    [{ timeZones: [7] }, "'target.timeZones'"],
    [{ appVersion: '2.0' }, "'target.appVersion'"],
    [{ appVersion: { min: 'two' } }, "'target.appVersion'"],
    [{ appVersion: { from: '2.0' } }, "'target.appVersion'"],
    [{ appVersion: {} }, "'target.appVersion'"],
    [{ attributes: {} }, "'target.attributes'"],
    [{ attributes: [] }, "'target.attributes'"],
    [{ attributes: { age: { min: '18' } } }, "'target.attributes.age'"],
    [{ attributes: { plan: [] } }, "'target.attributes.plan'"],
    [{ attributes: { plan: null } }, "'target.attributes.plan'"],
    [{ attributes: { plan: [{}] } }, "'target.attributes.plan'"],
    [{ languages: ['de'], userIds: [] }, "'target.userIds'"],
  ])('%j', (target, message) => {
    expect(() => readTarget(target)).toThrow(message);
  });
});
