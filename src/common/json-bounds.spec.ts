import { describe, expect, it } from 'vitest';
import { JsonBounds, checkBounds } from './json-bounds.js';

const list = (items: number, item = '1'): string => `[${Array.from({ length: items }, () => item).join(',')}]`;
const object = (members: number, first = 0): string =>
  `{${Array.from({ length: members }, (_, n) => `"k${first + n}":1`).join(',')}}`;
const tower = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

describe('a JSON text is within the bounds when', () => {
  it.each<[string, string]>([
    ['it is nested 32 levels deep', tower(32)],
    ['an object has 10000 members', object(10_000)],
    ['a list has 20000 items', list(20_000)],
    ['brackets and commas stand in a string', JSON.stringify(`${'[{'.repeat(50)}"\\",${','.repeat(70_000)}`)],
    ['an escaped quote stands before brackets in a string', `{"a":"\\"${'['.repeat(33)}"}`],
    ['a list follows many others', list(1_000, '[1,2]')],
    ['it is no JSON', ']]}},,"'],
    ['it is empty', ''],
  ])('%s', (_what, text) => {
    expect(() => checkBounds(Buffer.from(text))).not.toThrow();
  });
});

describe('a JSON text is refused when', () => {
  it.each<[string, string, RegExp]>([
    ['it is nested 33 levels deep', tower(33), /nested deeper than 32 levels/],
    ['it is a tower that never ends', '{"a":'.repeat(100_000), /nested deeper/],
    ['an object has 10001 members', object(10_001), /object of more than 10000 members/],
    ['an object repeats one member', `{${'"a":1,'.repeat(10_001)}"a":1}`, /object of more than 10000 members/],
    ['an object within has 90000 members', `{"a":[${object(90_000)}]}`, /object of more than 10000 members/],
    ['a list has 20001 items', list(20_001), /list of more than 20000 items/],
    ['a list has a million empty objects', list(1_000_000, '{}'), /list of more than 20000 items/],
    ['900 objects have 400 members each', list(900, object(400)), /more than 60000 values/],
    ['four lists have 19000 numbers each', list(4, list(19_000)), /more than 60000 values/],
    ['objects stand in objects', list(20_000, '{"a":{"b":{}}}'), /more than 60000 values/],
  ])('%s', (_what, text, message) => {
    expect(() => checkBounds(Buffer.from(text))).toThrow(message);
  });
});

describe('a JSON text that arrives in pieces', () => {
  const arrive = (text: string, size: number): void => {
    const [bytes, bounds] = [Buffer.from(text), new JsonBounds()];
    for (let at = 0; at < bytes.length; at += size) bounds.take(bytes.subarray(at, at + size));
  };

  it.each([1, 2, 3, 7, 64])('is counted as whole in pieces of %d bytes', (size) => {
    const string = JSON.stringify(`ü"[\\"${'[{,'.repeat(50)}\\`);
    expect(() => arrive(`{${string}:[${string},${tower(30)}]}`, size)).not.toThrow();
    expect(() => arrive(`{${string}:[${string},${tower(31)}]}`, size)).toThrow(/nested deeper/);
    expect(() => arrive(list(900, object(400)), size)).toThrow(/more than 60000 values/);
  });

  it('is refused at the piece that exceeds a bound', () => {
    const text = Buffer.from(list(900, object(400)));
    const bounds = new JsonBounds();
    let taken = 0;
    expect(() => {
      for (; taken < text.length; taken += 1_000) bounds.take(text.subarray(taken, taken + 1_000));
    }).toThrow(/more than 60000 values/);
    expect(taken).toBeLessThan(text.length / 4);
  });
});
