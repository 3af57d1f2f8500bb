import { Logger } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AppLogger } from './logger.js';
import { RefusalLog } from './refusal-log.js';

let lines: Record<string, unknown>[];
beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  Logger.overrideLogger(new AppLogger({ level: 'info', json: true }, { write }));
});
afterEach(() => {
  Logger.overrideLogger(false);
  vi.useRealTimers();
});

const request = (change: Partial<Record<string, unknown>> = {}): FastifyRequest =>
  ({
    headers: { authorization: 'Basic aHVzaDpodXNo' },
    ...{ method: 'POST', routeOptions: { url: '/token' }, id: 'r1', ip: '192.0.2.1' },
    ...change,
  }) as unknown as FastifyRequest;

it('failed attempts of one network are a line, and a minute later their number', () => {
  const refusals = new RefusalLog();
  for (let n = 0; n < 500; n++) refusals.note(request({ id: `r${n}` }), 400, 'invalid_client');
  vi.advanceTimersByTime(60_000);
  const of = { level: 'warn', context: 'Refusals', reason: 'invalid_client', network: '192.0.2.1' };
  expect(lines).toEqual([
    expect.objectContaining({ ...of, msg: 'Refused: POST /token 400', requestId: 'r0' }),
    expect.objectContaining({ ...of, msg: 'Refused: POST /token 400 (499 more in a minute)' }),
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/hush|aHVz|isBounded/);
});

it.each([
  ['a missing right of a client that authenticated', 403, { refused: { clientId: 'viewer' } }, 'viewer'],
  ['a client that is throttled', 429, { authorized: { clientId: 'backend' } }, 'backend'],
  ['a session that is over', 401, { headers: { cookie: 'session=hush' } }, undefined],
])('%s is a line', (_name, status, change, client) => {
  new RefusalLog().note(request(change), status, 'CARIL0403E');
  expect(lines.map((line) => [line.msg, line.client])).toEqual([[`Refused: POST /token ${status}`, client]]);
});

it.each([
  ['mistakes', 400, {}],
  ['requests without credentials', 401, { headers: {} }],
])('%s are no lines', (_name, status, change) => {
  new RefusalLog().note(request(change), status, 'CARIL0401E');
  expect(lines).toEqual([]);
});

it('a flood from many networks is bounded', () => {
  const refusals = new RefusalLog();
  for (let n = 0; n < 5_000; n++) refusals.note(request({ ip: `192.0.${n >> 8}.${n & 255}` }), 401, 'CARIL0401E');
  expect(lines).toHaveLength(101);
  vi.advanceTimersByTime(60_000);
  expect(lines.at(-1)?.msg).toBe('Refused: requests of further networks (4899 more in a minute)');
});
