import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeadlineError } from './deadline.js';
import { Outage, Outages, databaseOutage, tellFailure } from './outage.js';

const said: string[] = [];
const log = {
  log: (line: string) => void said.push(`log: ${line}`),
  warn: (line: string | { msg: string }) => void said.push(`warn: ${typeof line === 'string' ? line : line.msg}`),
  error: (line: { msg: string }) => void said.push(`error: ${line.msg}`),
};
const WORDS = { begins: 'The queue is away', ends: 'The queue is back' };

beforeEach(() => {
  vi.useFakeTimers();
  said.length = 0;
});
afterEach(() => void vi.useRealTimers());

describe('an outage', () => {
  it('is one line when it begins, one a minute with the last cause, and one when it is over', () => {
    const outage = new Outage(log, WORDS);
    outage.failed(new Error('refused'));
    expect(said).toEqual(['error: The queue is away: refused']);
    for (let n = 0; n < 200; n++) {
      vi.advanceTimersByTime(500);
      outage.failed(n < 50 ? 'refused' : 'full');
    }
    outage.worked();
    vi.advanceTimersByTime(10_000);
    expect(said.slice(1)).toEqual([
      'error: The queue is away (for 1 min, 119 failures in the last): full',
      'log: The queue is back, after 100 s',
    ]);
    vi.advanceTimersByTime(600_000);
    expect(said).toHaveLength(3);
    outage.failed('refused');
    expect(said).toHaveLength(4);
  });

  it('of a server that fails and works every 3 s is one', () => {
    const outage = new Outage(log, WORDS);
    for (let n = 0; n < 10; n++) {
      outage.failed('refused');
      vi.advanceTimersByTime(3_000);
      outage.worked();
      vi.advanceTimersByTime(3_000);
    }
    vi.advanceTimersByTime(60_000);
    expect(said).toEqual([
      'error: The queue is away: refused',
      'error: The queue is away (for 1 min, 9 failures in the last): refused',
      'log: The queue is back, after 57 s',
    ]);
  });

  it('without news is quiet, and forgotten after an hour', () => {
    const outage = new Outage(log, WORDS);
    outage.failed('refused');
    vi.advanceTimersByTime(59 * 60_000);
    expect([outage.isOpen, said.length]).toEqual([true, 1]);
    vi.advanceTimersByTime(5 * 60_000);
    expect([outage.isOpen, said.length]).toEqual([false, 1]);
  });
});

describe('outages of one kind', () => {
  const newOutages = () =>
    new Outages(log, (name) => ({ begins: `${name} is away`, ends: `${name} is back`, level: 'warn' }), 'Another');

  it('are told apart by name', () => {
    const outages = newOutages();
    outages.worked('a');
    outages.failed('a', 'refused');
    outages.failed('b', 'refused');
    outages.failed('a', 'refused');
    outages.worked('a');
    vi.advanceTimersByTime(10_000);
    expect(said).toEqual(['warn: a is away: refused', 'warn: b is away: refused', 'log: a is back, after 0 s']);
  });

  it('beyond a hundred share one', () => {
    const outages = newOutages();
    for (let n = 0; n < 500; n++) outages.failed(`s${n}`, 'refused');
    expect(said).toHaveLength(101);
    expect(said.at(-1)).toBe('warn: Another is away: refused');
    for (let n = 0; n < 500; n++) outages.worked(`s${n}`);
    vi.advanceTimersByTime(10_000);
    expect(said).toHaveLength(202);
    outages.failed('s499', 'refused');
    expect(said.at(-1)).toBe('warn: s499 is away: refused');
  });
});

it('work that failed because of the database is told as its outage, whatever the number of works', () => {
  const failed = vi.spyOn(databaseOutage, 'failed').mockImplementation(() => undefined);
  const away = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  for (const what of ['The sweep failed', 'The beat failed'])
    tellFailure(log, what, new Error('query', { cause: away }));
  expect([failed.mock.calls.length, said]).toEqual([2, []]);
  tellFailure(log, 'The sweep failed', new Error('of ours'));
  tellFailure(log, 'The sweep failed', new DeadlineError('The sweep', 60_000));
  expect(failed).toHaveBeenCalledTimes(2);
  expect(said).toEqual([
    'warn: The sweep failed: of ours',
    'warn: The sweep failed: The sweep did not answer within 60000 ms',
  ]);
  failed.mockRestore();
});
