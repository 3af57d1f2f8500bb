import { expect, it } from 'vitest';
import { newMessageId } from './message-id.js';

const COUNT = 20_000;

it('is eight alphanumerics, and no two are alike', () => {
  const ids = Array.from({ length: COUNT }, newMessageId);
  expect(ids.filter((id) => !/^[0-9A-Za-z]{8}$/.test(id))).toEqual([]);
  // Of 2·10^14 ids, 20,000 collide once in a million runs.
  expect(new Set(ids).size).toBe(COUNT);
});

it('favours no letter', () => {
  const seen = new Map<string, number>();
  for (let index = 0; index < COUNT; index++)
    for (const letter of newMessageId()) seen.set(letter, (seen.get(letter) ?? 0) + 1);
  const expected = (COUNT * 8) / 62;
  expect(seen.size).toBe(62);
  // byte % 62 without rejection would give the first eight letters a quarter more; seven sigma is 14 per cent.
  for (const count of seen.values()) expect(Math.abs(count / expected - 1)).toBeLessThan(0.14);
});
