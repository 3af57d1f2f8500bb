import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';

/** True if specs on Redis run: if its program is installed, and always under CI, where its absence is a failure. */
export const REDIS_AVAILABLE =
  process.env.CI === 'true' || spawnSync('redis-server', ['--version']).error === undefined;

/** True if specs with sentinels run: Debian has them in a package of their own. */
export const SENTINEL_AVAILABLE =
  process.env.CI === 'true' || spawnSync('redis-sentinel', ['--version']).error === undefined;

export interface RedisServer {
  url: string;
  /** Kills the server; `stop` may follow. */
  kill: () => Promise<void>;
  /** Starts a killed server again at its address. */
  restart: () => Promise<void>;
  stop: () => Promise<void>;
}

/**
 * A Redis of the caller's own on a free port, without persistence. `flags` are the server's; `first` is a command in
 * front of it.
 */
export async function startRedis(
  flags: readonly string[] = [],
  first: readonly string[] = [],
  program: 'redis-server' | 'redis-sentinel' = 'redis-server',
): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-redis-'));
  const port = await freePort();
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...flags];
  let server: ChildProcess;
  const restart = async () => {
    server = spawn(program, [...first, ...options], { stdio: 'ignore' });
    await vi.waitFor(() => answers(port), { timeout: 10_000, interval: 20 });
  };
  await restart();
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  };
  const stop = async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url: `redis://127.0.0.1:${port}`, kill, restart, stop };
}

export function portOf({ url }: RedisServer): string {
  return new URL(url).port;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port: number): Promise<void> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
