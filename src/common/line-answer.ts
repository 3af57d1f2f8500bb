import { Logger, StreamableFile } from '@nestjs/common';
import { Readable } from 'node:stream';
import { rootCause } from './errors.js';
import { isJsonObject } from './json.js';

/** Answers of any length as lines of JSON, and the trailer by which a reader knows that none is missing. */

export const NDJSON = 'application/x-ndjson';

/**
 * Streams objects as lines, and as the last line the trailer. A proxy that speaks HTTP/1.0 to us, as nginx does by
 * default, takes an answer that was cut short for a whole one: the end of the connection is the end of the body there.
 * `name` is for the log.
 */
export function answerLines<T>(
  name: string,
  steps: AsyncIterable<readonly T[]>,
  toLine: (item: T) => object,
): StreamableFile {
  return new StreamableFile(Readable.from(toText(name, steps, toLine), { objectMode: false }), { type: NDJSON });
}

async function* toText<T>(
  name: string,
  steps: AsyncIterable<readonly T[]>,
  toLine: (item: T) => object,
): AsyncGenerator<string> {
  let count = 0;
  try {
    for await (const items of steps) {
      if (items.length > 0) yield items.map((item) => `${JSON.stringify(toLine(item))}\n`).join('');
      count += items.length;
    }
  } catch (error) {
    // Before the first line the caller gets an error as an answer, which is logged where it is made.
    if (count > 0) new Logger('Http').warn(`${name} broke off after ${count} lines: ${rootCause(error)}`);
    throw error;
  }
  yield `${JSON.stringify({ trailer: { count } })}\n`;
}

/** For the document, beside the schema of the lines. */
export const TRAILER_SCHEMA = {
  type: 'object' as const,
  required: ['trailer'],
  properties: {
    trailer: {
      type: 'object' as const,
      required: ['count'],
      properties: { count: { type: 'integer' as const, description: 'Lines before this last one' } },
    },
  },
};

/** How many lines stand before the trailer, as it says; undefined: the line is no trailer. */
export function readTrailer(line: unknown): number | undefined {
  const trailer = isJsonObject(line) && Object.keys(line).length === 1 ? line.trailer : undefined;
  const count = isJsonObject(trailer) ? trailer.count : undefined;
  return Number.isSafeInteger(count) ? (count as number) : undefined;
}
