import { Logger } from '@nestjs/common';
import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { AppLogger } from '../common/logger.js';
import { boundConnections } from './connections.js';

let fastify: FastifyInstance;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  Logger.overrideLogger(false);
  await fastify.close();
});

it('beyond the limit, 500 connections are closed with one log line', async () => {
  const lines: string[] = [];
  Logger.overrideLogger(new AppLogger({ level: 'info', json: true }, { write: (line) => void lines.push(line) }));
  fastify = Fastify();
  boundConnections(fastify, 2);
  await fastify.listen({ port: 0, host: '127.0.0.1' });
  const { port } = fastify.server.address() as AddressInfo;
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  const kept = [await open(), await open()];
  await expect.poll(() => promisify(fastify.server.getConnections.bind(fastify.server))()).toBe(2);
  const refused = await Promise.all(Array.from({ length: 500 }, open));
  await expect.poll(() => refused.every((socket) => socket.closed)).toBe(true);
  expect(kept.map((socket) => socket.destroyed)).toEqual([false, false]);
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    'A connection was closed at once: the limit of 2 open connections is reached',
  ]);
});
