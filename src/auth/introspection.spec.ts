import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KnownClient } from './client-snapshot.js';
import { describeToken, scopeNow } from './introspection.js';
import { covers } from './scope.js';

const token = {
  jti: 'j',
  clientId: 'shop',
  generation: 1,
  scope: ['messages.write', 'push.application.a'],
  expiresAt: 1_795_481_557_000,
};
const clientOf = (allowed: string) => ({ allowed: allowed.split(' ') }) as unknown as KnownClient;

describe('describeToken', () => {
  it('has the fields, types and order of docs/protocol/mobilefirst.md §6', () => {
    expect(JSON.stringify(describeToken({ ...token, client: clientOf('messages.* push.*') }))).toBe(
      '{"active":true,"scope":"messages.write push.application.a","client_id":"shop","username":"shop",' +
        '"exp":1795481557000,"mfp-application":null,"mfp-device":null,"mfp-user":null,"mfp-checks":{}}',
    );
  });

  it('has the scope that is still allowed, not the granted one', () => {
    expect(describeToken({ ...token, client: clientOf('push.*') })).toMatchObject({ scope: 'push.application.a' });
  });

  it('describes a token as inactive if it is invalid or nothing of its scope is allowed any more', () => {
    expect(describeToken(null)).toEqual({ active: false });
    expect(describeToken({ ...token, client: clientOf('tags.read') })).toEqual({ active: false });
  });
});

describe('scopeNow', () => {
  it.each([
    ['a b', '*', 'a b'],
    ['b a b', 'a b', 'b a b'],
    ['a b', 'b', 'b'],
    ['*', 'messages.* push.application.a', 'messages.* push.application.a'],
    ['**', '*', '**'],
    ['messages.*', 'messages.write messages.read tags.read', 'messages.write messages.read'],
    ['a', 'b', ''],
  ])('scopeNow: granted %j under allowed %j is %j', (granted, allowed, left) => {
    expect(scopeNow(granted.split(' '), allowed.split(' ')).join(' ')).toBe(left);
  });

  it('never covers more than the grant or the allowed scope', () => {
    const element = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 4 });
    const scope = fc.array(element, { minLength: 1, maxLength: 4 });
    const asked = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(scope, scope, asked, (granted, allowed, required) => {
        if (covers(scopeNow(granted, allowed), [required]))
          expect(covers(granted, [required]) && covers(allowed, [required])).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
