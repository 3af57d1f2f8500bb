import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { answerLines, readTrailer } from './line-answer.js';

afterEach(() => vi.restoreAllMocks());

async function* steps(lists: readonly (number[] | Error)[]): AsyncGenerator<number[]> {
  for (const list of await Promise.resolve(lists)) {
    if (list instanceof Error) throw list;
    yield list;
  }
}

async function read(lists: readonly (number[] | Error)[]): Promise<string> {
  let text = '';
  const stream = answerLines('The list', steps(lists), (n) => ({ n })).getStream();
  try {
    for await (const chunk of stream) text += String(chunk);
  } catch {
    text += 'cut';
  }
  return text;
}

describe('an NDJSON answer', () => {
  it('ends with a trailer that counts its lines', async () => {
    expect(await read([[1, 2], [], [3]])).toBe('{"n":1}\n{"n":2}\n{"n":3}\n{"trailer":{"count":3}}\n');
    expect(await read([])).toBe('{"trailer":{"count":0}}\n');
  });

  it('has no trailer if it breaks off, and the log says how many lines were sent and why', async () => {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    expect(await read([[1, 2], new Error('terminating connection')])).toBe('{"n":1}\n{"n":2}\ncut');
    expect(warned.mock.calls).toEqual([['The list broke off after 2 lines: terminating connection']]);
  });
});

it.each([
  [{ trailer: { count: 7 } }, 7],
  [{ trailer: { count: 0, more: 1 } }, 0],
  [{ trailer: { count: '7' } }, undefined],
  [{ trailer: { count: 1.5 } }, undefined],
  [{ trailer: {} }, undefined],
  [{ trailer: { count: 7 }, deviceId: 'a' }, undefined],
  [{ deviceId: 'a' }, undefined],
  [['trailer'], undefined],
  [null, undefined],
])('readTrailer: the line %j has the count %s', (line, count) => {
  expect(readTrailer(line)).toBe(count);
});
