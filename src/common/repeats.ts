import { MINUTE_MS } from './durations.js';

/** Kinds that are distinguished at once; beyond this number every line is written. */
const MAX_KINDS = 1_000;

/** Lines of one kind: the first is written, those of the next minute are counted. */
export class Repeats {
  private readonly counts = new Map<string, number>();

  /** Kinds of this interval. */
  get size(): number {
    return this.counts.size;
  }

  /**
   * Returns true if the line is to be written. If more lines of this kind come within the interval, `tell` gets their
   * number at its end.
   */
  isFirst(kind: string, tell: (count: number) => void): boolean {
    const count = this.counts.get(kind);
    if (count !== undefined) {
      this.counts.set(kind, count + 1);
      return false;
    }
    if (this.counts.size >= MAX_KINDS) return true;
    this.counts.set(kind, 0);
    setTimeout(() => {
      const more = this.counts.get(kind) ?? 0;
      this.counts.delete(kind);
      if (more > 0) tell(more);
    }, MINUTE_MS).unref();
    return true;
  }
}

/** Lines are of one kind if they differ only in numbers and generated ids. */
export function kindOf(text: string): string {
  return text.replaceAll(/[0-9a-f-]{16,}|\d+/gi, '#');
}
