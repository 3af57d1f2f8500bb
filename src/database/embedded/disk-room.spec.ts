import { expect, it } from 'vitest';
import { StartError } from '../../common/start-error.js';
import { isFull } from './disk-room.js';

it.each([
  ['no space or inode', Object.assign(new Error('x'), { code: 'ENOSPC' })],
  ['a quota', Object.assign(new Error('x'), { code: 'EDQUOT' })],
  ['the largest file allowed', Object.assign(new Error('x'), { code: 'EFBIG' })],
  ['no space or inode, in words of PostgreSQL', new Error('could not write to file "x": No space left on device')],
  ['a quota, in words of PostgreSQL', new Error('could not extend file "base/5/16384": Disk quota exceeded')],
  ['the largest file allowed, in words of PostgreSQL', new Error('could not write file "x": File too large')],
  ['a cause', new StartError('It cannot be opened', Object.assign(new Error('x'), { code: 'ENOSPC' }))],
])('recognises a full disk by %s', (_what, error) => {
  expect(isFull(error)).toBe(true);
});

it.each([
  ['a file that is missing', Object.assign(new Error('x'), { code: 'ENOENT' })],
  ['a file that is missing, in words of PostgreSQL', new Error('could not open file "x": No such file or directory')],
  ['nothing', undefined],
])('does not take for a full disk: %s', (_what, error) => {
  expect(isFull(error)).toBe(false);
});
