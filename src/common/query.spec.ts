import { expect, it } from 'vitest';
import { readBoolean, readPlace, readQuery, readSize, readText, readTexts, readWord, writePlace } from './query.js';

it('readQuery accepts each known parameter once', () => {
  expect(readQuery({ size: '1' }, ['size', 'after'])).toEqual({ size: '1' });
  expect(() => readQuery({ 'si\nze': '1' }, ['size'])).toThrow(
    expect.objectContaining({ code: 'FPWSE0007E', message: "Unknown query parameter 'si?ze'. Known are: size." }),
  );
  expect(() => readQuery({ size: ['1', '2'] }, ['size'])).toThrow("'size' parameter value: it must be given once");
});

it('readText and readTexts ignore other parameters', () => {
  const query = { a: '1', b: '', c: ['1', '2'] };
  expect([readText(query, 'a'), readText(query, 'b'), readText(query, 'd')]).toEqual(['1', undefined, undefined]);
  expect(() => readText(query, 'c')).toThrow("'c' parameter value: it must be given once");
  expect([readTexts(query, 'a'), readTexts(query, 'c'), readTexts(query, 'd')]).toEqual([['1'], ['1', '2'], []]);
});

it('readBoolean', () => {
  expect(['true', 'FALSE', '', undefined].map((a) => readBoolean({ a }, 'a', true))).toEqual([true, false, true, true]);
  expect(() => readBoolean({ a: '1' }, 'a', true)).toThrow("'a' parameter value: it must be one of true, false");
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

it('readPlace reads a written place and refuses other text', () => {
  expect(readPlace(writePlace(1_795_600_000_000, 42))).toEqual([1_795_600_000_000, 42, 0]);
  expect(readPlace(writePlace(7))).toEqual([7, 0, 0]);
  expect(readPlace(writePlace(1, 2, 3))).toEqual([1, 2, 3]);
  for (const text of [
    '',
    'x',
    '7',
    writePlace(-1),
    writePlace(1.5, 1, 1),
    writePlace(1, 2, 3, 4),
    Buffer.from('1; drop').toString('base64url'),
  ])
    expect(() => readPlace(text), text).toThrow("'after' parameter value");
});
