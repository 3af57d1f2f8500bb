import { expect, it } from 'vitest';
import { StartError } from '../common/start-error.js';
import { isFull } from './disk-room.js';

/** PGlite throws objects that are not Errors. */
const inWasm = (errno: number): object => ({ name: 'ErrnoError', errno });

it.each([
  ['no space or inode', Object.assign(new Error('x'), { code: 'ENOSPC' })],
  ['a quota', Object.assign(new Error('x'), { code: 'EDQUOT' })],
  ['the largest file allowed', Object.assign(new Error('x'), { code: 'EFBIG' })],
  ['no space or inode, in PGlite', inWasm(51)],
  ['a quota, in PGlite', inWasm(19)],
  ['the largest file allowed, in PGlite', inWasm(22)],
  ['a cause', new StartError('It cannot be opened', inWasm(51))],
])('recognises a full disk by %s', (_what, error) => {
  expect(isFull(error)).toBe(true);
});

it.each([
  ['a file that is missing', Object.assign(new Error('x'), { code: 'ENOENT' })],
  ['one that is missing, in PGlite', inWasm(44)],
  ['a number of another kind', { errno: 51 }],
  ['nothing', undefined],
])('does not take for a full disk: %s', (_what, error) => {
  expect(isFull(error)).toBe(false);
});
