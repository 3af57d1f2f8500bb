import { describe, expect, it } from 'vitest';
import { SQL_CLASS, SQL_STATE, hasSqlState, isConflict } from './sql-state.js';

describe('hasSqlState', () => {
  it.each([
    ['the state itself', { code: '23503' }, true],
    ['another state of its class', { code: '23505' }, false],
    ['no code', {}, false],
    ['a code that is a number', { code: 23_503 }, false],
    ['undefined', undefined, false],
  ])('compares with a state: %s', (_case, error, expected) => {
    expect(hasSqlState(error, SQL_STATE.foreignKeyViolation)).toBe(expected);
  });

  it.each([
    ['23503', true],
    ['22P02', false],
    ['23', false],
    ['230000', false],
  ])('compares with a class: %s', (code, expected) => {
    expect(hasSqlState({ code }, SQL_CLASS.constraintViolation)).toBe(expected);
  });
});

it.each([
  ['40001', true],
  ['40P01', true],
  ['40003', false],
  ['23505', false],
])('a serialization failure and a deadlock are conflicts: %s', (code, expected) => {
  expect(isConflict({ code })).toBe(expected);
});
