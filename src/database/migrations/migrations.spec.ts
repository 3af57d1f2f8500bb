import { describe, expect, it } from 'vitest';
import { MIGRATIONS } from './migrations.js';

/** Names of the migrations in databases of the first release; none may be renamed, removed or preceded by another. */
const RELEASED = [
  '0001-foundation',
  '0002-provider-status',
  '0003-clients',
  '0004-shared-tokens',
  '0005-message-control',
  '0006-lanes',
  '0007-pace',
  '0008-setting-version',
  '0009-device-attributes',
  '0010-upstream',
  '0011-lists',
  '0012-application-removal',
  '0012-webhooks',
  '0013-message-reports',
  '0014-campaigns',
  '0015-promotion',
  '0016-parked',
];

describe('migrations', () => {
  const names = Object.keys(MIGRATIONS);

  it('the released ones come first, in their order', () => {
    expect(names.slice(0, RELEASED.length)).toEqual(RELEASED);
  });

  it('are in the order of their names, which is the order of execution', () => {
    expect(names).toEqual(names.toSorted());
  });

  it('later ones have distinct numbers', () => {
    const numbers = names.slice(RELEASED.length).map((name) => name.slice(0, 4));
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) expect(number).toMatch(/^\d{4}$/);
  });
});
