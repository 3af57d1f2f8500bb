import { expect, it } from 'vitest';
import { readCursor, readQuery, readSize, readWord, writeCursor } from './query.js';

it('readQuery takes what is known, once', () => {
  expect(readQuery({ size: '1' }, ['size', 'after'])).toEqual({ size: '1' });
  expect(() => readQuery({ 'si\nze': '1' }, ['size'])).toThrow(
    expect.objectContaining({ code: 'FPWSE0007E', message: "Unknown query parameter 'si?ze'. Known are: size." }),
  );
  expect(() => readQuery({ size: ['1', '2'] }, ['size'])).toThrow("'size' parameter value: it must be given once");
});

it('readSize', () => {
  expect([readSize(undefined, 20), readSize('1', 20), readSize('1000', 20)]).toEqual([20, 1, 1_000]);
  for (const text of ['0', '-1'])
    expect(() => readSize(text, 20)).toThrow(expect.objectContaining({ code: 'FPWSE1080E' }));
  for (const text of ['', 'ten', '1.5', '1e3', '1001', '9'.repeat(20), ' 1'])
    expect(() => readSize(text, 20)).toThrow(expect.objectContaining({ code: 'FPWSE0005E' }));
});

it('readWord', () => {
  expect([readWord('state', undefined, ['a']), readWord('state', 'a', ['a'])]).toEqual([undefined, 'a']);
  expect(() => readWord('state', 'b', ['a', 'c'])).toThrow("'state' parameter value: it must be one of a, c");
});

it('a cursor comes back as it went, and nothing else is one', () => {
  expect(readCursor(writeCursor(1_795_600_000_000, 42))).toEqual([1_795_600_000_000, 42]);
  expect(readCursor(writeCursor(7))).toEqual([7, 0]);
  for (const text of [
    '',
    'x',
    '7',
    writeCursor(-1),
    writeCursor(1.5, 1),
    writeCursor(1, 2, 3),
    Buffer.from('1; drop').toString('base64url'),
  ])
    expect(() => readCursor(text), text).toThrow("'after' parameter value");
});
