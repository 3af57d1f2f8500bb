import { expect, it } from 'vitest';
import { newMessageId } from './message-id.js';

const COUNT = 20_000;

it('makes distinct ids of eight alphanumerics', () => {
  const ids = Array.from({ length: COUNT }, newMessageId);
  expect(ids.filter((id) => !/^[0-9A-Za-z]{8}$/.test(id))).toEqual([]);
  // With 2·10^14 possible ids, 20,000 ids collide about once in a million runs.
  expect(new Set(ids).size).toBe(COUNT);
});

it('draws every letter equally often', () => {
  const seen = new Map<string, number>();
  for (let index = 0; index < COUNT; index++)
    for (const letter of newMessageId()) seen.set(letter, (seen.get(letter) ?? 0) + 1);
  const expected = (COUNT * 8) / 62;
  expect(seen.size).toBe(62);
  // byte % 62 without rejection would favour the first eight letters by a quarter; seven sigma is 14 per cent.
  for (const count of seen.values()) expect(Math.abs(count / expected - 1)).toBeLessThan(0.14);
});
