import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLines } from './lines.js';

const MAX = 10;

async function read(chunks: Iterable<Buffer>): Promise<string[]> {
  const lines: string[] = [];
  async function* source(): AsyncGenerator<Buffer> {
    yield* chunks;
  }
  for await (const some of readLines(source(), MAX))
    for (const { number, bytes } of some) lines.push(`${number}: ${bytes?.toString() ?? 'too long'}`);
  return lines;
}

describe('lines', () => {
  it.each([
    ['of nothing', '', []],
    ['with an end each', 'a\nb\n', ['1: a', '2: b']],
    ['the last without', 'a\nb', ['1: a', '2: b']],
    ['with blank ones, which count', '\na\n \t\r\nb\r\n\n', ['2: a', '4: b\r']],
    ['one as long as may be', '0123456789\na', ['1: 0123456789', '2: a']],
    ['one that is longer', `x\n${'0'.repeat(11)}\ny`, ['1: x', '2: too long', '3: y']],
    ['one without end', '0'.repeat(1_000), ['1: too long']],
  ])('readLines: %s', async (_what, text, wanted) => {
    expect(await read([Buffer.from(text)])).toEqual(wanted);
  });

  it('lines do not depend on the chunks of the stream', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r', ' ') });
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.integer({ min: 1, max: 7 })), async (whole, sizes) => {
        const bytes = Buffer.from(whole);
        const chunks: Buffer[] = [];
        let from = 0;
        for (const size of sizes) {
          chunks.push(bytes.subarray(from, from + size));
          from += size;
        }
        chunks.push(bytes.subarray(from));
        expect(await read(chunks)).toEqual(await read([bytes]));
      }),
    );
  });

  it('a stream that breaks off is reported as the sender’s fault', async () => {
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.from('a\nb');
      throw new Error('aborted');
    }
    const drain = async (): Promise<void> => {
      for await (const lines of readLines(source(), MAX)) expect(lines).toHaveLength(1);
    };
    await expect(drain()).rejects.toMatchObject({ code: 'FPWSE0004E' });
  });
});
