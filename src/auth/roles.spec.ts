import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beyond } from './roles.js';
import { covers } from './scope.js';

describe('beyond', () => {
  it.each([
    ['*', '*', ''],
    ['**', 'mfpadmin messages.*', ''],
    ['*', '**', ''],
    ['mfpadmin', '*', '*'],
    ['mfpadmin', '**', '**'],
    ['mfpadmin', 'mfpadmin', ''],
    ['mfpadmin', 'RegisteredClient', ''],
    ['mfpadmin', 'mfpadmin messages.write', 'messages.write'],
    ['mfpadmin', 'mfp*', 'mfp*'],
    ['mfp*', 'mfpadmin mfp.admin.plugins', ''],
    ['mfpdeployer messages.*', 'messages.write messages.*', ''],
    ['mfpdeployer messages.write', 'messages.*', 'messages.*'],
    ['push.application.com.acme.*', 'push.application.com.acme.bank push.application.*', 'push.application.*'],
    ['a*c', 'a*b*c', ''],
    ['a*b*c', 'a*c', 'a*c'],
  ])('an administrator with %j may grant of %j everything but %j', (outer, inner, left) => {
    expect(beyond(outer, inner).join(' ')).toBe(left);
  });

  it('a granted scope covers no element that the administrator does not cover', () => {
    const element = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 4 });
    const asked = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(element, element, asked, (outer, inner, required) => {
        if (beyond(outer, inner).length === 0 && covers([inner], [required]))
          expect(covers([outer], [required])).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});
