import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppLogger } from './logger.js';

let lines: { level: string; message: string; context?: string }[];
beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  const keep = (text: unknown): boolean => {
    lines.push(JSON.parse(String(text)) as (typeof lines)[number]);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
const said = (): string[] => lines.map(({ level, message }) => `${level}: ${message}`);

describe('repeated warnings and errors', () => {
  it('are one line, and ten seconds later one line with their count', () => {
    const log = new AppLogger(true);
    for (let n = 0; n < 574; n++) log.error(`GET /devices failed after ${n} ms`, 'Error: away\n    at query', 'Http');
    expect(said()).toEqual(['error: GET /devices failed after 0 ms']);
    vi.advanceTimersByTime(10_000);
    expect(said().slice(1)).toEqual(['error: GET /devices failed after 0 ms (573 more of this kind in 10 s)']);
    expect(lines[1]?.context).toBe('Http');
    log.error('GET /devices failed after 9 ms', 'Error: away\n    at query', 'Http');
    expect(said()).toHaveLength(3);
  });

  it('that occur once have no second line', () => {
    new AppLogger(true).warn('Once', 'Http');
    vi.advanceTimersByTime(60_000);
    expect(said()).toEqual(['warn: Once']);
  });

  it('are distinguished by level, message, cause and context', () => {
    const log = new AppLogger(true);
    log.warn('The queue is away', 'Queue');
    log.warn('The queue is away', 'Http');
    log.warn('The queue is full', 'Queue');
    log.error('It failed', 'Error: one', 'Http');
    log.error('It failed', 'Error: other', 'Http');
    expect(lines).toHaveLength(5);
  });
});

it('every line of the level "log" is written', () => {
  const log = new AppLogger(true);
  log.log('Client 1 was made', 'Auth');
  log.log('Client 2 was made', 'Auth');
  expect(lines).toHaveLength(2);
});
