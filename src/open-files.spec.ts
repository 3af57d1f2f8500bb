import { expect, it } from 'vitest';
import { readLimit } from './open-files.js';

it.each([
  ['Max open files            64                   4096                 files     \n', 64],
  ['Max processes 1 2 processes\nMax open files            1024                 524288               files\n', 1_024],
  ['Max open files            unlimited            unlimited            files\n', Infinity],
  ['', Infinity],
])('open files: the limit in %j is %s', (text, limit) => {
  expect(readLimit(text)).toBe(limit);
});
