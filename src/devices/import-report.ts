import type { ApiError } from '../common/errors.js';
import { Turn } from '../common/turn.js';

/** Rejected lines that are listed one by one, some 50 bytes each; beyond, only their reasons are counted. */
const MAX_LISTED = 1_000_000;
/** Different reasons; the words come from our own checks, of which there are a few dozen. */
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
  /** Why lines were rejected, the most frequent reason first. */
  reasons: Reason[];
}

/** What became of an import, in memory that does not grow with the good lines. */
export class ImportReport {
  private readonly counts = { lines: 0, created: 0, updated: 0, moved: 0, rejected: 0 };
  private readonly reasons = new Map<string, Reason>();
  private readonly listed: { line: number; reason: Reason }[] = [];

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
    if (this.listed.length < MAX_LISTED) this.listed.push({ line, reason });
  }

  summarize(): ImportSummary {
    return { ...this.counts, reasons: [...this.reasons.values()].toSorted((a, b) => b.lines - a.lines) };
  }

  /** NDJSON: the summary, then a line for each one rejected, in their order. */
  async *toChunks(): AsyncGenerator<string> {
    const turn = new Turn();
    yield `${JSON.stringify(this.summarize())}\n`;
    for (let from = 0; from < this.listed.length; from += LINES_A_CHUNK) {
      if (turn.isOver) await turn.pass();
      yield this.listed
        .slice(from, from + LINES_A_CHUNK)
        .map(({ line, reason: { code, message } }) => `${JSON.stringify({ line, code, message })}\n`)
        .join('');
    }
  }
}
