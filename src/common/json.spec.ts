import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactNumber, readJson, reviveJson, writeJson } from './json.js';

const EXACT = [
  '1147483645123456789',
  '-1147483645123456789',
  '9007199254740993',
  '1e400',
  '-1E+400',
  '1e-400',
  '0.12345678901234567890123456789',
  '3.141592653589793238462643',
  '1234567890.1234567890123',
  '100000000000000000000000000000001',
];
const HELD = [
  '0',
  '-0',
  '7',
  '1e2',
  '1.50',
  '9007199254740992',
  '100000000000000000000',
  '12345678901234568000000',
  '0.1',
  '5e-324',
  '1.7976931348623157e308',
  '1732800000000',
];

describe('readJson and writeJson', () => {
  it.each(EXACT)('keep %s unchanged', (number) => {
    for (const text of [number, `[${number}]`, `{"a":{"b":[1,${number},"x"]}}`])
      expect(writeJson(readJson(text))).toBe(text);
    expect(readJson(` [ ${number} ] `)).toEqual([new ExactNumber(number)]);
    expect(readJson(`{"a":\n${number}\n}`)).toEqual({ a: new ExactNumber(number) });
  });

  it.each(HELD)('return %s as a number of the same value', (number) => {
    expect(readJson(`{"a":[${number}]}`)).toEqual({ a: [Number(number)] });
  });

  it('leave digits within texts unchanged, also after quotes and backslashes', () => {
    const texts = ['1147483645123456789', ':1e400,', '\\', '\\\\":1e400', '"', 'a\\"b,1147483645123456789'];
    const value = Object.fromEntries(texts.map((text) => [text, text]));
    const json = `{"n":1e400,${JSON.stringify(value).slice(1)}`;
    expect(readJson(json)).toEqual({ n: new ExactNumber('1e400'), ...value });
    expect(writeJson(readJson(json))).toBe(json);
  });

  it('exact numbers survive our own JSON, which the database stores', () => {
    const value = readJson('{"a":1147483645123456789,"b":[1e400,{"__proto__":1e400}],"c":"1e400"}');
    expect(reviveJson(JSON.stringify(value))).toEqual(value);
    expect(writeJson(reviveJson(JSON.stringify(value)))).toBe(
      '{"a":1147483645123456789,"b":[1e400,{"__proto__":1e400}],"c":"1e400"}',
    );
  });

  it('refuse invalid JSON, and a text with the mark', () => {
    for (const text of ['', '{', '[1e400,]', '{"a":1147483645123456789', '01147483645123456789'])
      expect(() => readJson(text)).toThrow(SyntaxError);
    for (const text of ['["\ufdd2123"]', String.raw`["\uFDD2123"]`, '{"\ufdd2":1}'])
      expect(() => readJson(text)).toThrow(/U\+FDD2/);
  });

  it('refuse more long numbers than the limit', () => {
    const listOf = (count: number) => `[${Array.from({ length: count }, () => '1e400').join(',')}]`;
    expect(readJson(listOf(10_000))).toHaveLength(10_000);
    expect(() => readJson(listOf(10_001))).toThrow(/more than 10000 numbers/);
  });

  it('read deep nesting', () => {
    const text = `${'['.repeat(5_000)}1e400${']'.repeat(5_000)}`;
    let value = readJson(text);
    for (let level = 0; level < 5_000; level++) value = (value as unknown[])[0];
    expect(value).toEqual(new ExactNumber('1e400'));
  });

  it('read the same as JSON.parse if every number is a double', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        expect(readJson(text)).toEqual(JSON.parse(text));
        expect(writeJson(readJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('keep the value of any number', () => {
    const number = fc.stringMatching(/^-?(0|[1-9]\d{0,25})(\.\d{1,25})?([eE][+-]?\d{1,3})?$/);
    fc.assert(
      fc.property(number, (text) => {
        const [value] = readJson(`[${text}]`) as [unknown];
        if (value instanceof ExactNumber) expect(value.text).toBe(text);
        else expect(sameNumber(String(value), text)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Compares by integers of any length. */
function sameNumber(a: string, b: string): boolean {
  const parts = [a, b].map((text) => {
    const [, digits = '', fraction = '', exponent = '0'] = /^(-?\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
    return { digits: BigInt(digits + fraction), exponent: Number(exponent) - fraction.length };
  });
  const lowest = Math.min(...parts.map(({ exponent }) => exponent));
  const [first, second] = parts.map(({ digits, exponent }) => digits * 10n ** BigInt(exponent - lowest));
  return first === second;
}
