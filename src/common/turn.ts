import { setImmediate as othersTurn, setTimeout as delay } from 'node:timers/promises';

/**
 * A single message needs some six turns of the event loop until its answer, and waits for a slice in each: six of these are
 * shorter than the 50 ms that a request may hold the loop for.
 */
const SLICE_MS = 5;
/** Long work waits for short requests that are under way: so many times as long as its slice was. */
const REST = 4;
/** Work of many rows leaves the database and the process to short requests: so many times as long as its last piece took. */
const REST_OF_ROWS = 3;
/** What counts of a slice, in which the work may have waited for the database. */
const LONGEST_SLICE_MS = 10;

/** After a short request, work of many rows rests between its pieces for so long, ms: the next short request may come at any moment. */
const LATELY_MS = 1_000;
/** The longest rest after a piece, ms: a database that was slow once must not hold a bulk for a minute. */
const LONGEST_REST_MS = 1_000;

/** Requests that are under way, and how many of them are long work. */
let open = 0;
let long = 0;
/** Long work comes one after the other: two slices in one turn of the loop would be one of twice the length. */
let line: Promise<void> = Promise.resolve();

/** A request that came, until its answer has left or its connection is lost. */
export function countRequest(response: { once(event: 'close', listener: () => void): unknown }): void {
  open++;
  response.once('close', () => open--);
}

let lastShort = -Infinity;

/** A single message or a registration came: its caller waits for the answer. */
export function noteShortRequest(): void {
  lastShort = performance.now();
}

/** How long work of many rows rests after a piece of `tookMs`; both in ms. 0: no short request came lately. */
export function restAfter(tookMs: number): number {
  const lately = performance.now() - lastShort < LATELY_MS;
  return lately ? Math.min(REST_OF_ROWS * tookMs, LONGEST_REST_MS) : 0;
}

/** The slices of the event loop's time that the long work of a request gets; between two slices short requests run. */
export class Turn {
  private began = performance.now();

  private constructor() {
    long++;
  }

  /** Does long work, which asks its turn for slices. */
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

  /** Ends a slice, and waits for the next one. */
  async pass(): Promise<void> {
    const took = Math.min(performance.now() - this.began, LONGEST_SLICE_MS);
    line = line.then(() => rest(took));
    await line;
    this.began = performance.now();
  }
}

/** At least one turn of the loop. */
async function rest(sliceMs: number): Promise<void> {
  const until = performance.now() + REST * sliceMs;
  await othersTurn();
  while (open > long && performance.now() < until) await delay(1);
}
