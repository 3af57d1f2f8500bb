import { expect, it } from 'vitest';
import { prefers } from './prefer.js';

it.each([
  ['handling=strict', true],
  ['Handling = "strict"', true],
  ['return=minimal, handling=strict; x=1', true],
  ['respond-async,handling=strict', true],
  ['handling=strict, handling=lenient', true],
  ['handling=lenient, handling=strict', false],
  ['handling=lenient', false],
  ['handling', false],
  ['x-handling=strict', false],
  ['return=minimal; handling=strict', false],
  ['', false],
  [undefined, false],
])('prefers(%j, handling, strict) is %s', (header, strict) => {
  expect(prefers(header, 'handling', 'strict')).toBe(strict);
});
