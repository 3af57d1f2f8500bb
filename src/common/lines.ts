import { ApiError } from './errors.js';

const NEWLINE = 0x0a;

export interface Line {
  /** From 1, including blank lines. */
  number: number;
  /** Without the line end; null if the line is longer than the limit. */
  bytes: Buffer | null;
}

/**
 * The non-blank lines of a stream; the lines of one chunk come together. At most `maxBytes` of one line are held.
 * Throws FPWSE0004E if the stream breaks off.
 */
export async function* readLines(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line[]> {
  let number = 1;
  let begun: Buffer[] = [];
  let length = 0;
  const take = (end: Buffer): Line | null => {
    const bytes = begun.length > 0 ? Buffer.concat([...begun, end]) : end;
    const line = { number: number++, bytes: length + end.length > maxBytes ? null : bytes };
    begun = [];
    length = 0;
    return line.bytes !== null && isBlank(line.bytes) ? null : line;
  };
  try {
    for await (const chunk of source) {
      const lines: Line[] = [];
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
        const line = take(chunk.subarray(from, end));
        if (line) lines.push(line);
        from = end + 1;
      }
      const rest = chunk.subarray(from);
      length += rest.length;
      if (length > maxBytes) begun = [];
      else if (rest.length > 0) begun.push(rest);
      if (lines.length > 0) yield lines;
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError('FPWSE0004E', 'The body breaks off.', {}, { cause: error });
  }
  const line = length > 0 ? take(Buffer.alloc(0)) : null;
  if (line) yield [line];
}

/** Spaces, tabs and carriage returns. */
function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
