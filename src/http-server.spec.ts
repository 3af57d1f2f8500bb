import type { FastifyInstance } from 'fastify';
import { expect, it } from 'vitest';
import { readConfig } from './config.js';
import { newAdapter } from './http-server.js';

it('idle connections are kept for 650 s, or for HTTP_KEEP_ALIVE_TIMEOUT', async () => {
  for (const [environment, ms] of [
    [{}, 650_000],
    [{ HTTP_KEEP_ALIVE_TIMEOUT: '70' }, 70_000],
  ] as const) {
    const fastify: FastifyInstance = newAdapter(readConfig(environment)).getInstance();
    expect(fastify.server.keepAliveTimeout).toBe(ms);
    await fastify.close();
  }
});
