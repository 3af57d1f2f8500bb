import { CarillonError } from '../client/client.js';
import { ENVIRONMENT } from './environment.js';
import { safe, toTable } from './text.js';

/** A line of a file or pipe says how far a command is, no more often than this. */
const NOTE_EVERY_MS = 5_000;

/** stdout has the result, as text or as JSON; stderr has notes and progress. No colours. */
export class Terminal {
  private readonly isDrawing = process.stderr.isTTY && !ENVIRONMENT.isDumb;
  private isDrawn = false;
  private notedAt = -NOTE_EVERY_MS;

  constructor(readonly isJson: boolean) {}

  /** One object, or a list as a table. */
  async show(result: object, rows: readonly object[]): Promise<void> {
    if (this.isJson) return this.print(JSON.stringify(result));
    if (rows.length === 0) return this.note('none');
    for (const line of toTable(rows as Record<string, unknown>[])) await this.print(line);
  }

  /** Waits for a slow reader. */
  async print(line: string): Promise<void> {
    this.endProgress();
    if (!process.stdout.write(`${line}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }

  note(text: string): void {
    this.endProgress();
    process.stderr.write(`${safe(text)}\n`);
  }

  /** Redrawn in place on a terminal, else a line from time to time. */
  progress(text: string): void {
    if (this.isDrawing) {
      const columns = (process.stderr.columns ?? 80) - 1;
      process.stderr.write(`\r${safe(text).slice(0, columns)}\u001b[K`);
      this.isDrawn = true;
    } else if (performance.now() - this.notedAt >= NOTE_EVERY_MS) {
      this.notedAt = performance.now();
      process.stderr.write(`${safe(text)}\n`);
    }
  }

  endProgress(): void {
    if (this.isDrawn) process.stderr.write('\n');
    this.isDrawn = false;
  }

  fail(error: unknown): void {
    this.endProgress();
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    const details = error instanceof CarillonError ? error.toJSON() : { name, message };
    if (this.isJson) process.stdout.write(`${JSON.stringify({ error: details })}\n`);
    else process.stderr.write(`carillon: ${safe(message)}${idOf(error)}\n`);
  }
}

function idOf(error: unknown): string {
  const id = error instanceof CarillonError ? error.requestId : undefined;
  return id === undefined ? '' : ` (request ${safe(id)})`;
}
