import { MINUTE_MS } from './durations.js';

/** Kinds that are counted at once; beyond this number each event of a further kind is a first one. */
export const MAX_KINDS = 1_000;

interface Counted {
  more: number;
  timer: NodeJS.Timeout;
  tell: (more: number) => void;
}

/** Events of one kind, for example lines of the log: the first is told at once, those of the interval are counted. */
export class Repeats {
  private readonly counts = new Map<string, Counted>();

  constructor(private readonly intervalMs = MINUTE_MS) {}

  /** Kinds of this interval. */
  get size(): number {
    return this.counts.size;
  }

  has(kind: string): boolean {
    return this.counts.has(kind);
  }

  /**
   * Returns true if the event is to be told. If more events of this kind come within the interval, `tell` gets their
   * number at its end. The empty kind is always counted: a caller may use it for all further kinds.
   */
  isFirst(kind: string, tell: (more: number) => void): boolean {
    const counted = this.counts.get(kind);
    if (counted) {
      counted.more++;
      return false;
    }
    if (kind !== '' && this.counts.size >= MAX_KINDS) return true;
    const timer = setTimeout(() => this.close(kind), this.intervalMs).unref();
    this.counts.set(kind, { more: 0, timer, tell });
    return true;
  }

  /** At the end of the process: tells the numbers now. */
  closeAll(): void {
    for (const kind of [...this.counts.keys()]) this.close(kind);
  }

  private close(kind: string): void {
    const counted = this.counts.get(kind);
    if (!counted) return;
    clearTimeout(counted.timer);
    this.counts.delete(kind);
    if (counted.more > 0) counted.tell(counted.more);
  }
}

/** Lines are of one kind if they differ only in numbers and generated ids. */
export function kindOf(text: string): string {
  return text.replaceAll(/[0-9a-f-]{16,}|\d+/gi, '#');
}
