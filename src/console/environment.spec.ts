import { expect, it } from 'vitest';
import { describeEnvironment } from './environment.js';

it.each([
  ['production', 'red'],
  ['PROD EU', 'red'],
  ['Staging', 'orange'],
  ['pre-production', 'orange'],
  ['Test 2', 'teal'],
  ['development', null],
])('%s is %s', (name, colour) => {
  expect(describeEnvironment(name)).toEqual({ name, colour });
});

it('another name has one colour of its own, never red', () => {
  const first = describeEnvironment('Munich').colour;
  expect(first).toEqual(expect.any(String));
  expect(first).not.toBe('red');
  expect(describeEnvironment('Munich').colour).toBe(first);
  expect(describeEnvironment('non-prod').colour).not.toBe('red');
});
