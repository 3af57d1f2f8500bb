import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppLogger } from './logger.js';

let written: string[];
beforeEach(() => {
  vi.useFakeTimers();
  written = [];
});
afterEach(() => {
  vi.useRealTimers();
});
const output = { write: (line: string): void => void written.push(line) };
const newLogger = (options: Partial<ConstructorParameters<typeof AppLogger>[0]> = {}): AppLogger =>
  new AppLogger({ level: 'info', json: true, ...options }, output);
const lines = (): Record<string, unknown>[] => written.map((line) => JSON.parse(line) as Record<string, unknown>);
const said = (): string[] => lines().map(({ level, msg }) => `${String(level)}: ${String(msg)}`);

describe('repeated warnings and errors', () => {
  it('are one line, and a minute later one line with their count', () => {
    const log = newLogger();
    for (let n = 0; n < 574; n++) log.error(`GET /devices failed after ${n} ms`, 'Error: away\n    at query', 'Http');
    expect(said()).toEqual(['error: GET /devices failed after 0 ms']);
    vi.advanceTimersByTime(60_000);
    expect(said().slice(1)).toEqual(['error: GET /devices failed after 0 ms (573 more of this kind in a minute)']);
    expect(lines()[1]?.context).toBe('Http');
    log.error('GET /devices failed after 9 ms', 'Error: away\n    at query', 'Http');
    expect(said()).toHaveLength(3);
  });

  it('that occur once have no second line', () => {
    newLogger().warn('Once', 'Http');
    vi.advanceTimersByTime(60_000);
    expect(said()).toEqual(['warn: Once']);
  });

  it('are distinguished by level, message, cause and context', () => {
    const log = newLogger();
    log.warn('The queue is away', 'Queue');
    log.warn('The queue is away', 'Http');
    log.warn('The queue is full', 'Queue');
    log.error('It failed', 'Error: one', 'Http');
    log.error('It failed', 'Error: other', 'Http');
    expect(lines()).toHaveLength(5);
  });
});

it('every line of the level "log" is written', () => {
  const log = newLogger();
  log.log('Client 1 was made', 'Auth');
  log.log('Client 2 was made', 'Auth');
  expect(lines()).toHaveLength(2);
});

it('a line has time, level, process, context and its own fields', () => {
  vi.setSystemTime('2026-11-29T22:00:00.123Z');
  newLogger({ name: 'worker 2' }).warn({ msg: 'POST /x 202', requestId: 'a1', ms: 3 }, 'Request');
  const own = { context: 'Request', msg: 'POST /x 202', requestId: 'a1', ms: 3 };
  expect(lines()).toEqual([
    { level: 'warn', time: '2026-11-29T22:00:00.123Z', pid: process.pid, process: 'worker 2', ...own },
  ]);
});

it('an error has its stack in one line', () => {
  newLogger().error(new Error('Broken\nin two'), 'Http');
  expect(written).toEqual([expect.stringMatching(/^[^\n]+\n$/)]);
  expect(lines()[0]).toMatchObject({ msg: 'Broken\nin two', stack: expect.stringContaining('\n    at ') });
});

it('lines below the level are not written', () => {
  const log = newLogger({ level: 'warn' });
  log.log('One', 'Http');
  log.debug('Two', 'Http');
  expect(written).toEqual([]);
});

it('lines whose place bounds them are all written', () => {
  const log = newLogger();
  for (const n of [1, 2]) log.warn({ msg: `Away for ${n} min`, isBounded: true }, 'Outage');
  expect(said()).toEqual(['warn: Away for 1 min', 'warn: Away for 2 min']);
});

it('a person reads a line without JSON, and no line moves the cursor', () => {
  vi.setSystemTime('2026-11-29T22:00:00.123Z');
  const log = newLogger({ json: false, name: 'worker 2' });
  log.log({ msg: 'GET /x 200', method: 'GET', route: '/x', status: 200, ms: 1.5 }, 'Request');
  log.warn('Odd \u001b[31mname\u009b', 'Http');
  log.error('It failed', 'Error: why\n    at here', 'Http');
  expect(written.join('')).toBe(
    [
      '2026-11-29T22:00:00.123Z  INFO [worker 2] [Request] GET /x 200 ms=1.5',
      '2026-11-29T22:00:00.123Z  WARN [worker 2] [Http] Odd ?[31mname?',
      '2026-11-29T22:00:00.123Z ERROR [worker 2] [Http] It failed',
      '    Error: why',
      '    at here',
      '',
    ].join('\n'),
  );
});
