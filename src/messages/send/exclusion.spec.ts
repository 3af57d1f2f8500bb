import { expect, it } from 'vitest';
import { missingReason } from '../../providers/placeholders.js';
import { EXCLUSION_CODES, OTHER_PLATFORM, UNSUBSCRIBED, exclusionsOf } from './exclusion.js';

it('gives each reason its code', () => {
  const found = exclusionsOf({
    [OTHER_PLATFORM]: 1,
    [UNSUBSCRIBED]: 2,
    [missingReason("first 'name'\n")]: 3,
    Unregistered: 4,
    unseen: 5,
  });
  expect(found).toEqual([
    { code: 'otherPlatform', reason: 'another platform', count: 1 },
    { code: 'unsubscribed', reason: 'not subscribed to Push.ALL', count: 2 },
    { code: 'missingValue', reason: "missing value 'first 'name'\n'", count: 3, placeholder: "first 'name'\n" },
    { code: 'retired', reason: 'Unregistered', count: 4 },
    { code: 'retired', reason: 'unseen', count: 5 },
  ]);
  expect(new Set(found.map(({ code }) => code))).toEqual(new Set(EXCLUSION_CODES));
});
