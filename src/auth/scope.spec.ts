import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, matches, parseScope } from './scope.js';

describe('parseScope', () => {
  it.each<[string, string[] | null]>([
    ['messages.write', ['messages.write']],
    ['messages.write push.application.com.acme.bank', ['messages.write', 'push.application.com.acme.bank']],
    ['  a   b ', ['a', 'b']],
    ['b a b', ['b', 'a', 'b']],
    ['**', ['**']],
    ['!#[]~', ['!#[]~']],
    ['', null],
    ['   ', null],
    ['a\tb', null],
    ['a\nb', null],
    ['say"hi"', null],
    ['back\\slash', null],
    ['é', null],
    ['a\0', null],
    ['x'.repeat(2_048), ['x'.repeat(2_048)]],
    ['x'.repeat(2_049), null],
    ['a '.repeat(128), new Array<string>(128).fill('a')],
    ['a '.repeat(129), null],
  ])('parseScope reads %j', (text, elements) => {
    expect(parseScope(text)).toEqual(elements);
  });
});

describe('matches', () => {
  it.each<[string, string, boolean]>([
    ['messages.write', 'messages.write', true],
    ['messages.write', 'messages.writer', false],
    ['messages.write', 'Messages.write', false],
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'anything.at.all', true],
    ['**', 'anything.at.all', true],
    ['send*', 'sendMessage', true],
    ['send*', 'send', true],
    ['send*', 'resend', false],
    ['*Message', 'sendMessage', true],
    ['*Message', 'sendMessages', false],
    ['push.*', 'push.application.x', true],
    ['push.*', 'push', false],
    ['push.*', 'pushXapplication', false],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'acb', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['ab*ba', 'aba', false],
    ['*ab*ab*', 'ab', false],
    ['*ab*ab*', 'abab', true],
    ['a*bc*c', 'abc', false],
    ['a*bc*c', 'abcc', true],
    // A pattern on the right is text: a requested scope is not expanded.
    ['push.application', '*', false],
    ['*', '*', true],
    ['a*', '*', false],
    // No other character has a special meaning.
    ['a.c', 'abc', false],
    ['a?', 'ab', false],
    ['[a-z]', 'b', false],
    ['(a+)+$', 'aaaa', false],
  ])('the pattern %j matches %j: %j', (pattern, element, expected) => {
    expect(matches(pattern, element)).toBe(expected);
  });

  it('matches exactly by its definition, for any pattern', () => {
    // Few letters and many stars, so that pieces overlap and repeat.
    const text = (letters: string[]) => fc.string({ unit: fc.constantFrom(...letters), maxLength: 9 });
    fc.assert(
      fc.property(text(['a', 'b', '*', '*']), text(['a', 'b']), (pattern, element) => {
        expect(matches(pattern, element)).toBe(definition(pattern, element));
      }),
      { numRuns: 3_000 },
    );
  });

  it('matches any text that was made from the pattern', () => {
    const runs = fc.array(fc.string({ maxLength: 5 }), { minLength: 12, maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 12 });
    fc.assert(
      fc.property(pattern, runs, (text, fills) => {
        let index = 0;
        const element = text.replaceAll('*', () => fills[index++] ?? '');
        expect(matches(text, element)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['stars before a letter that is not there', `${'*'.repeat(2_047)}a`, 'b'.repeat(2_048)],
    ['stars between letters', 'a*'.repeat(1_023) + 'b', 'a'.repeat(2_048)],
    ['pieces that nearly fit everywhere', `*${'aaab*'.repeat(409)}`, 'a'.repeat(2_048)],
    ['one long piece that nearly fits everywhere', `*${'a'.repeat(1_000)}b*`, 'a'.repeat(2_048)],
  ])('takes milliseconds for the hostile pattern: %s', (_what, pattern, element) => {
    const start = performance.now();
    for (let times = 0; times < 20; times++) expect(matches(pattern, element)).toBe(false);
    // Backtracking would never end; matching takes about a millisecond each.
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe('covers', () => {
  it.each<[string, string, boolean]>([
    ['*', 'messages.write push.application.com.acme.bank', true],
    ['**', 'messages.write push.application.com.acme.bank', true],
    ['messages.write push.application.*', 'messages.write push.application.com.acme.bank', true],
    ['messages.write push.application.com.acme.bank', 'messages.write push.application.com.acme.shop', false],
    ['messages.write', 'messages.write push.application.com.acme.bank', false],
    ['push.*', 'messages.write', false],
    ['messages.write', '*', false],
    ['RegisteredClient', 'RegisteredClient', true],
  ])('%j covers %j: %j', (granted, required, expected) => {
    expect(covers(granted.split(' '), required.split(' '))).toBe(expected);
  });

  it('the most expensive pair of scopes costs milliseconds', () => {
    // The greatest number of elements of the greatest length, each a near match.
    const granted = parseScope(new Array<string>(128).fill(`*aa*aa*aa*aa*b`).join(' '))!;
    const required = parseScope(new Array<string>(128).fill('a'.repeat(15)).join(' '))!;
    const long = [`*${'a'.repeat(1_000)}b*${'a'.repeat(1_000)}`];
    const start = performance.now();
    for (let times = 0; times < 10; times++) {
      expect(covers(granted, required)).toBe(false);
      expect(covers(long, ['a'.repeat(2_048)])).toBe(false);
      // The first required element is refused by every granted one; `filter` compares all others too.
      expect(required.filter((element) => covers(granted, [element]))).toEqual([]);
    }
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  it('an empty grant covers no element; an empty requirement is always covered', () => {
    expect(covers([], ['a'])).toBe(false);
    expect(covers([], [])).toBe(true);
  });
});

/** The definition, character by character; exponential, therefore only for short texts. */
function definition(pattern: string, element: string): boolean {
  if (pattern === '') return element === '';
  if (pattern.startsWith('*'))
    return definition(pattern.slice(1), element) || (element !== '' && definition(pattern, element.slice(1)));
  return element !== '' && pattern[0] === element[0] && definition(pattern.slice(1), element.slice(1));
}
