import { describe, expect, it } from 'vitest';
import { untilAborted } from './until-aborted.js';

describe('untilAborted', () => {
  const collect = async (source: AsyncIterable<number>, got: number[]): Promise<number[]> => {
    for await (const item of source) got.push(item);
    return got;
  };

  it('yields all items of a source that ends', async () => {
    async function* source(): AsyncGenerator<number> {
      yield 1;
      await Promise.resolve();
      yield 2;
    }
    expect(await collect(untilAborted(source(), new AbortController().signal), [])).toEqual([1, 2]);
  });

  it('rejects with the reason while it waits for the source, and yields earlier items', async () => {
    const controller = new AbortController();
    async function* source(): AsyncGenerator<number> {
      yield 1;
      controller.abort(new Error('stopped'));
      await new Promise(() => undefined);
    }
    const got: number[] = [];
    await expect(collect(untilAborted(source(), controller.signal), got)).rejects.toThrow('stopped');
    expect(got).toEqual([1]);
  });

  it('requests no item after the signal', async () => {
    const got: number[] = [];
    async function* source(): AsyncGenerator<number> {
      yield got.length;
      await Promise.resolve();
    }
    await expect(collect(untilAborted(source(), AbortSignal.abort(new Error('stopped'))), got)).rejects.toThrow(
      'stopped',
    );
    expect(got).toEqual([]);
  });

  it('ends its source when the reader stops', async () => {
    let ended = false;
    async function* source(): AsyncGenerator<number> {
      try {
        for (;;) yield await Promise.resolve(1);
      } finally {
        ended = true;
      }
    }
    for await (const _item of untilAborted(source(), new AbortController().signal)) break;
    expect(ended).toBe(true);
  });
});
