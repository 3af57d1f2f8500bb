import { expect, it } from 'vitest';
import { readSqlTexts } from '../../harness/sql-texts.js';

/**
 * PostgreSQL may run a subquery of `in` once for each row, and skips the rows that the same statement has changed: a
 * limit then bounds nothing. `= any (array(…))` and a materialized part of `with` run once.
 */
it('no limit of locked rows stands in a subquery of `in`', () => {
  const texts = readSqlTexts().filter(({ text }) => /skip locked/.test(text));
  expect(texts.length).toBeGreaterThan(20);
  const unbounded = texts.filter(({ text }) =>
    subqueriesOfIn(text).some((query) => /limit[\s\S]*skip locked/.test(query)),
  );
  expect(unbounded).toEqual([]);
});

/** The texts in the parentheses of each `in (select …)`. */
function subqueriesOfIn(text: string): string[] {
  return [...text.matchAll(/ in \((?=\s*select )/g)].map(({ index, 0: start }) => {
    let end = index + start.length;
    for (let depth = 1; depth > 0 && end < text.length; end++)
      depth += text[end] === '(' ? 1 : text[end] === ')' ? -1 : 0;
    return text.slice(index, end);
  });
}
