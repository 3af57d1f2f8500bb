import { expect, it } from 'vitest';
import { wrongTagNames } from './tag-names.js';

it.each<[unknown, RegExp | null]>([
  [['news', 'Push.ALL', 'a/b', '...'], null],
  [['news', '..'], /dot segment/],
  [['.'], /dot segment/],
  [['push.all'], /exact spelling/],
  [[''], /1 to 254/],
  ['news', /list/],
])('tag names %j', (names, reason) => {
  if (reason) expect(wrongTagNames(names)).toMatch(reason);
  else expect(wrongTagNames(names)).toBeNull();
});
