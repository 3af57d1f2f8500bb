import { setImmediate as othersTurn } from 'node:timers/promises';
import { invalidValue } from '../common/errors.js';
import type { ApiError } from '../common/errors.js';

/** Rejected lines that are listed, about 50 bytes each; further lines only count towards their reasons. */
const MAX_LISTED = 1_000_000;
/** Distinct reasons. Our own checks make the texts, a few dozen of them. */
const MAX_REASONS = 1_000;
const LINES_A_CHUNK = 1_000;

interface Reason {
  code: string;
  message: string;
  lines: number;
  firstLine: number;
}

/** The first line of the answer. `lines` is `created` + `updated` + `rejected`. */
export interface ImportSummary {
  lines: number;
  created: number;
  updated: number;
  /** Registrations that ended because their token came with another device id. */
  moved: number;
  rejected: number;
  /** Reasons of rejected lines, the most frequent first. */
  reasons: Reason[];
  /** A remark about the file. */
  note?: string;
}

const NO_TRAILER =
  'The last line is not {"trailer":{"count":…}}, which an export ends with: missing lines cannot be detected.';

/** Collects the results of an import in memory that does not grow with the accepted lines. */
export class ImportReport {
  private readonly counts = { lines: 0, created: 0, updated: 0, moved: 0, rejected: 0 };
  private readonly reasons = new Map<string, Reason>();
  private readonly listed: { line: number; reason: Reason }[] = [];
  /** Lines since the last trailer. */
  private open = 0;
  private trailers = 0;

  get isEmpty(): boolean {
    return this.counts.lines === 0 && this.trailers === 0;
  }

  /** Call for each line that is not a trailer. */
  pass(): void {
    this.open++;
  }

  /** A trailer counts the lines since the previous trailer, so exports may be concatenated. */
  close(line: number, count: number): void {
    if (count !== this.open)
      this.reject(
        line,
        invalidValue(
          'trailer.count',
          `it is ${count}, but there were ${this.open} lines before it; they are registered`,
        ),
      );
    this.open = 0;
    this.trailers++;
  }

  keep({ created, updated, moved }: { created: number; updated: number; moved: number }): void {
    this.counts.lines += created + updated;
    this.counts.created += created;
    this.counts.updated += updated;
    this.counts.moved += moved;
  }

  reject(line: number, { code, message }: ApiError): void {
    this.counts.lines++;
    this.counts.rejected++;
    const words = this.reasons.has(message) || this.reasons.size < MAX_REASONS ? message : 'Other reasons.';
    const reason = this.reasons.get(words) ?? { code, message: words, lines: 0, firstLine: line };
    reason.lines++;
    this.reasons.set(words, reason);
    if (this.listed.length >= MAX_LISTED) return;
    // Kept in line order: a line refused during the write of a batch is added after bad lines of the next batch.
    let place = this.listed.length;
    while (place > 0 && this.listed[place - 1]!.line > line) place--;
    this.listed.splice(place, 0, { line, reason });
  }

  summarize(): ImportSummary {
    return {
      ...this.counts,
      reasons: [...this.reasons.values()].toSorted((a, b) => b.lines - a.lines),
      ...(this.open > 0 && { note: NO_TRAILER }),
    };
  }

  /** The summary, then one line for each rejected line, in their order. */
  async *toLines(): AsyncGenerator<object[]> {
    yield [this.summarize()];
    for (let from = 0; from < this.listed.length; from += LINES_A_CHUNK) {
      await othersTurn();
      yield this.listed
        .slice(from, from + LINES_A_CHUNK)
        .map(({ line, reason: { code, message } }) => ({ line, code, message }));
    }
  }
}
