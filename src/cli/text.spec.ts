import { expect, it } from 'vitest';
import { safe, toTable, widthOf } from './text.js';

it.each([
  ['\u001b[2J', '\\x1b[2J'],
  ['\u001b]52;c;aGk=\u0007', '\\x1b]52;c;aGk=\\x07'],
  ['a\u009bb\rc\nd', 'a\\x9bb\\x0dc\\x0ad'],
  ['\u202efdp.exe', '\\u202efdp.exe'],
  ['é 漢字 😀', 'é 漢字 😀'],
])('%j is printed as %j', (text, printed) => {
  expect(safe(text)).toBe(printed);
});

it.each([
  ['abc', 3],
  ['漢字', 4],
  ['한국', 4],
  ['😀', 2],
  ['👩‍👩‍👧', 2],
  ['e\u0301', 1],
  ['é', 1],
])('%s is as wide as %i letters', (text, width) => {
  expect(widthOf(text)).toBe(width);
});

it('columns align by width, a long cell is cut, and what is missing is empty', () => {
  const rows = [
    { label: '漢字', count: 1, note: undefined },
    { label: 'x'.repeat(60), count: 20, note: { a: 1 } },
    { label: '😀'.repeat(30), count: 3, note: 'n' },
  ];
  const lines = toTable(rows);
  expect(lines[0]).toBe(`label${' '.repeat(45)}  count  note`);
  expect(lines[2]).toBe(`${'x'.repeat(49)}…  20     {"a":1}`);
  const columns = lines.map((line) => widthOf(line.slice(0, line.search(/\s(?:count|1|20|3)(?:\s|$)/) + 1)));
  expect(new Set(columns).size).toBe(1);
});
