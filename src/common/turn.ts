import { setImmediate as othersTurn, setTimeout as delay } from 'node:timers/promises';

/**
 * A single message needs some six turns of the event loop until its answer, and waits for a slice in each: six slices
 * are shorter than 50 ms, the longest time that a request may block the loop.
 */
const SLICE_MS = 5;
/** Long work waits for open short requests: at most this many times the length of its slice. */
const REST = 4;
/**
 * Work of many rows leaves the database and the process to short requests: for this many times the length of its last
 * piece.
 */
const REST_OF_ROWS = 3;
/** The longest part of a slice that counts, because the work may have waited for the database in it. */
const LONGEST_SLICE_MS = 10;

/**
 * For this long after a short request, work of many rows rests between its pieces, ms: another short request is likely.
 */
const LATELY_MS = 1_000;
/** The longest rest after a piece, ms: one slow statement must not delay a bulk for a minute. */
const LONGEST_REST_MS = 1_000;

/** Open requests, and the number of them that are long work. */
let open = 0;
let long = 0;
/** Slices of long work run one after the other: two in one turn of the loop would block it twice as long. */
let line: Promise<void> = Promise.resolve();

/** Counts a request until its answer is sent or its connection is lost. */
export function countRequest(response: { once(event: 'close', listener: () => void): unknown }): void {
  open++;
  response.once('close', () => open--);
}

let lastShort = -Infinity;

/** Notes a single message or a registration, whose caller waits for the answer. */
export function noteShortRequest(): void {
  lastShort = performance.now();
}

/** The rest of work of many rows after a piece of `tookMs`; both in ms. 0 if there was no short request lately. */
export function restAfter(tookMs: number): number {
  const lately = performance.now() - lastShort < LATELY_MS;
  return lately ? Math.min(REST_OF_ROWS * tookMs, LONGEST_REST_MS) : 0;
}

/** The slices of the event loop's time for the long work of a request; short requests run between two slices. */
export class Turn {
  private began = performance.now();

  private constructor() {
    long++;
  }

  /** Runs long work, which asks its turn for slices. */
  static async give<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    const turn = new Turn();
    try {
      return await work(turn);
    } finally {
      long--;
    }
  }

  get isOver(): boolean {
    return performance.now() - this.began >= SLICE_MS;
  }

  /** Ends the slice, and waits for the next one. */
  async pass(): Promise<void> {
    const took = Math.min(performance.now() - this.began, LONGEST_SLICE_MS);
    line = line.then(() => rest(took));
    await line;
    this.began = performance.now();
  }
}

/** Waits for at least one turn of the loop. */
async function rest(sliceMs: number): Promise<void> {
  const until = performance.now() + REST * sliceMs;
  await othersTurn();
  while (open > long && performance.now() < until) await delay(1);
}
