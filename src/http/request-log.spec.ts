import { Logger } from '@nestjs/common';
import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { LogLevel } from '../common/log-level.js';
import { AppLogger } from '../common/logger.js';
import { logRequests } from './request-log.js';

let fastify: FastifyInstance;
afterEach(async () => {
  Logger.overrideLogger(false);
  await fastify.close();
});

interface Listening {
  url: string;
  lines: Record<string, unknown>[];
  /** Settles with the first call of `/never`. */
  asked: Promise<void>;
}

/** A server with a log of this level; returns its address and the lines. */
async function listen(logLevel: LogLevel): Promise<Listening> {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as (typeof lines)[number]);
  Logger.overrideLogger(new AppLogger({ level: logLevel, json: true }, { write }));
  fastify = Fastify({ genReqId: () => 'r1' });
  logRequests(fastify, { logLevel });
  fastify.get('/apps/:id', (call) => {
    (call as { authorized?: object }).authorized = { clientId: 'backend' };
    return { ok: true };
  });
  fastify.get('/health/live', () => 'live');
  const asked = new Promise<void>((resolve) => {
    fastify.get('/never', () => {
      resolve();
      return new Promise(() => undefined);
    });
  });
  await fastify.listen({ port: 0, host: '127.0.0.1' });
  return { url: `http://127.0.0.1:${(fastify.server.address() as AddressInfo).port}`, lines, asked };
}

it('each request is one line with client, pattern, status, duration and bytes', async () => {
  const { url, lines } = await listen('info');
  await (await fetch(`${url}/apps/com.acme?token=hush`)).text();
  await (await fetch(`${url}/nowhere/hush`, { method: 'POST' })).text();
  await expect.poll(() => lines.length).toBe(2);
  const numbers = { ms: expect.any(Number), bytes: expect.toSatisfy((n: number) => n > 100 && n < 1_000) };
  expect(lines).toEqual([
    expect.objectContaining({
      level: 'info',
      context: 'Request',
      msg: 'GET /apps/:id 200',
      client: 'backend',
      ...numbers,
    }),
    expect.objectContaining({ msg: 'POST unknown 404', requestId: 'r1', method: 'POST', status: 404, ...numbers }),
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/hush|com\.acme/);
});

it('a caller that leaves before its answer is a line', async () => {
  const { url, lines, asked } = await listen('info');
  const call = request(`${url}/never`).on('error', () => undefined);
  call.end();
  await asked;
  call.destroy();
  await expect.poll(() => lines.map(({ status }) => status)).toEqual([499]);
});

it.each([
  ['info', []],
  ['debug', ['GET /health/live 200']],
] as const)('at %s, probes of health are %j', async (level, expected) => {
  const { url, lines } = await listen(level);
  await (await fetch(`${url}/health/live`)).text();
  await (await fetch(`${url}/apps/a`)).text();
  await expect.poll(() => lines.map(({ msg }) => msg)).toEqual([...expected, 'GET /apps/:id 200']);
});

it('at warn, requests are no lines', async () => {
  const { url, lines } = await listen('warn');
  await (await fetch(`${url}/apps/a`)).text();
  await (await fetch(`${url}/apps/a`)).text();
  expect(lines).toEqual([]);
});
