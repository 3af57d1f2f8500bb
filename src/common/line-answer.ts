import { Logger, StreamableFile } from '@nestjs/common';
import { AsyncResource } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { rootCause } from './errors.js';
import { isJsonObject } from './json.js';

/** Answers of any length as JSON lines, with a trailer that shows that no line is missing. */

export const NDJSON = 'application/x-ndjson';

/**
 * Streams objects as lines and ends with the trailer. A proxy that speaks HTTP/1.0 to us, as nginx does by default,
 * reads the end of the connection as the end of the body, so that it takes a truncated answer for a complete one.
 * `name` is for the log.
 */
export function answerLines<T>(
  name: string,
  steps: AsyncIterable<readonly T[]>,
  toLine: (item: T) => object,
): StreamableFile {
  const text = toText(name, steps, toLine);
  // The stream is read outside of the request's context, in which a standby is read (database/standby.ts).
  const next = AsyncResource.bind(() => text.next());
  const bound = { next, return: () => text.return(undefined), [Symbol.asyncIterator]: () => bound };
  return new StreamableFile(Readable.from(bound, { objectMode: false }), { type: NDJSON });
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
    // Before the first line the caller gets an error answer, which the error filter logs.
    if (count > 0) new Logger('Http').warn(`${name} broke off after ${count} lines: ${rootCause(error)}`);
    throw error;
  }
  yield `${JSON.stringify({ trailer: { count } })}\n`;
}

/** The trailer's schema for the API document, beside the schema of the lines. */
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

/** The trailer's count of lines; undefined if the line is not a trailer. */
export function readTrailer(line: unknown): number | undefined {
  const trailer = isJsonObject(line) && Object.keys(line).length === 1 ? line.trailer : undefined;
  const count = isJsonObject(trailer) ? trailer.count : undefined;
  return Number.isSafeInteger(count) ? (count as number) : undefined;
}
