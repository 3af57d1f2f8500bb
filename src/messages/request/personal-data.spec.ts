import { describe, expect, it } from 'vitest';
import { checkComplete, longestValues, readPersonalData } from './personal-data.js';

const target = { userIds: ['u1', 'u2'] };

describe('readPersonalData', () => {
  it('reads texts, numbers and booleans of users in the target', () => {
    expect(readPersonalData({ u1: { name: 'Ann', n: 7, yes: true }, u2: {} }, target)).toEqual(
      new Map([
        ['u1', { name: 'Ann', n: '7', yes: 'true' }],
        ['u2', {}],
      ]),
    );
    expect([readPersonalData(undefined, {}), readPersonalData(null, target)]).toEqual([null, null]);
  });

  const VALUE = 'it must be a string, a number or a boolean';
  it.each<[string, unknown, object, string, string]>([
    ['no user ids', { u1: {} }, { deviceIds: ['d'] }, 'data', 'it needs target.userIds, which is not set'],
    ['a list', [], target, 'data', 'it must be an object with an object for each user'],
    ['a text', 'x', target, 'data', 'it must be an object with an object for each user'],
    ['a stranger', { u9: {} }, target, 'data.u9', 'the user is not in target.userIds'],
    [
      'a user that is no object',
      { u1: 'Ann' },
      target,
      'data.u1',
      'it must be an object of texts, numbers and booleans',
    ],
    ['a nested value', { u1: { name: {} } }, target, 'data.u1.name', VALUE],
    ['null', { u1: { name: null } }, target, 'data.u1.name', VALUE],
    [
      'a name of another form',
      { u1: { 'a b': 'x' } },
      target,
      'data.u1.a b',
      'its name cannot be the name of a placeholder',
    ],
    [
      'a name of JavaScript',
      JSON.parse('{"u1":{"__proto__":"x"}}'),
      target,
      'data.u1.__proto__',
      'its name cannot be the name of a placeholder',
    ],
    ['a long value', { u1: { name: 'x'.repeat(4_097) } }, target, 'data.u1.name', 'it must be at most 4096 characters'],
    [
      'a NUL',
      { u1: { name: 'a\0' } },
      target,
      'data.u1.name',
      'it must not contain a NUL character or half a surrogate pair',
    ],
    [
      'half a pair',
      { u1: { name: '\ud83d' } },
      target,
      'data.u1.name',
      'it must not contain a NUL character or half a surrogate pair',
    ],
    [
      'many fields',
      { u1: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`f${n}`, 1])) },
      target,
      'data.u1',
      'it must have at most 100 fields',
    ],
  ])('refuses %s', (_what, data, of, field, reason) => {
    expect(() => readPersonalData(data, of)).toThrow(`Check the '${field}' parameter value: ${reason}.`);
  });

  it('refuses more than a megabyte', () => {
    const userIds = Array.from({ length: 300 }, (_, n) => `u${n}`);
    const data = Object.fromEntries(userIds.map((id) => [id, { text: 'x'.repeat(4_096) }]));
    expect(() => readPersonalData(data, { userIds })).toThrow(/'data'.*at most 1048576 bytes/);
  });
});

describe('checkComplete', () => {
  const placeholders = [
    { name: 'name', required: true },
    { name: 'city', required: false },
    { name: 'userId', required: true },
  ];

  it('accepts data if every user has each name that has no default', () => {
    const data = readPersonalData({ u1: { name: 'Ann' }, u2: { name: '' } }, target);
    expect(() => checkComplete(data, target, placeholders)).not.toThrow();
  });

  it.each([[{ u1: { name: 'Ann' } }], [{ u1: { name: 'Ann' }, u2: { city: 'Bonn' } }]])(
    'names user and placeholder: %j',
    (data) => {
      expect(() => checkComplete(readPersonalData(data, target), target, placeholders)).toThrow(
        "Check the 'data.u2' parameter value: there is no value for '{{name}}', which has no default.",
      );
    },
  );

  it("accepts placeholders without data: the devices' values may fill them", () => {
    expect(() => checkComplete(null, target, placeholders)).not.toThrow();
  });
});

it('longestValues measures values as JSON bytes', () => {
  const data = new Map([
    ['u1', { a: 'xxxx', b: 'x' }],
    ['u2', { a: '"""', b: 'ü' }],
  ]);
  expect(longestValues(data)).toEqual({ a: '"""', b: 'ü' });
});
