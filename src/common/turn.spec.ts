import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Turn, countRequest, noteShortRequest, restAfter } from './turn.js';

describe('Turn', () => {
  let now: number;

  beforeEach(() => {
    now = 1_000;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
  });
  afterEach(() => {
    for (const response of open.splice(0)) response.emit('close');
    vi.restoreAllMocks();
  });

  /** Open requests. */
  const open: EventEmitter[] = [];

  /** Ends a slice of `ms`; `begun` becomes true when the next slice begins. */
  function passAfter(turn: Turn, ms: number): { begun: boolean } {
    const state = { begun: false };
    now += ms;
    void turn.pass().then(() => (state.begun = true));
    return state;
  }
  const openRequest = (): EventEmitter => {
    const response = new EventEmitter();
    countRequest(response);
    open.push(response);
    return response;
  };
  const someTurns = async (): Promise<void> => {
    for (let turns = 0; turns < 5; turns++) await delay(1);
  };

  it('a slice ends after 5 ms, and the next begins in another turn of the event loop', async () => {
    await Turn.give(async (turn) => {
      now += 4;
      expect(turn.isOver).toBe(false);
      now += 1;
      expect(turn.isOver).toBe(true);
      let turns = 0;
      const counting = setImmediate(() => turns++);
      await turn.pass();
      clearImmediate(counting);
      expect(turns).toBe(1);
      expect(turn.isOver).toBe(false);
    });
  });

  it('two pieces of long work share a turn of the event loop: only one has a slice', async () => {
    let turnOfLoop = 0;
    let counting = true;
    const count = (): void => {
      turnOfLoop++;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    const slices: number[] = [];
    const work = async (turn: Turn): Promise<void> => {
      for (let slice = 0; slice < 3; slice++) {
        await turn.pass();
        slices.push(turnOfLoop);
      }
    };
    await Promise.all([Turn.give(work), Turn.give(work)]);
    counting = false;
    await nextTurn();
    expect(slices).toHaveLength(6);
    expect(new Set(slices).size).toBe(6);
  });

  it('waits for a short request until its answer is sent', async () => {
    openRequest();
    const response = openRequest();
    await Turn.give(async (turn) => {
      const next = passAfter(turn, 5);
      await someTurns();
      expect(next.begun).toBe(false);
      response.emit('close');
      await vi.waitFor(() => expect(next.begun).toBe(true));
    });
  });

  it('waits for short requests at most four times the length of its slice, and at most 40 ms', async () => {
    openRequest();
    openRequest();
    await Turn.give(async (turn) => {
      for (const [slice, rest] of [
        [5, 20],
        [300, 40],
      ] as const) {
        const next = passAfter(turn, slice);
        await nextTurn();
        now += rest - 1;
        await someTurns();
        expect(next.begun).toBe(false);
        now += 1;
        await vi.waitFor(() => expect(next.begun).toBe(true));
      }
    });
  });

  it('does not wait for other long work', async () => {
    openRequest();
    openRequest();
    const slices: string[] = [];
    await Turn.give((first) =>
      Turn.give(async (second) => {
        now += 5;
        await first.pass();
        slices.push('first');
        await second.pass();
        slices.push('second');
      }),
    );
    expect(slices).toEqual(['first', 'second']);
  });
});

describe('restAfter', () => {
  let now = 1_000_000;
  beforeEach(() => void vi.spyOn(performance, 'now').mockImplementation(() => now));
  afterEach(() => vi.restoreAllMocks());

  it('restAfter is three times the piece, at most 1 s, in the second after a short request, and otherwise 0', () => {
    expect(restAfter(100)).toBe(0);
    noteShortRequest();
    now += 999;
    expect(restAfter(100)).toBe(300);
    expect(restAfter(5_000)).toBe(1_000);
    now += 1;
    expect(restAfter(100)).toBe(0);
  });
});
