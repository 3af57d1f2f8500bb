import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Call {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

export interface Reply {
  /** 0: the connection was closed before an answer. */
  status: number;
  body: string;
}

/** The longest wait of attackers for an answer. */
const TIMEOUT_MS = 30_000;

export function call(url: string, { method, path, headers, body }: Call, agent?: Agent): Promise<Reply> {
  const { hostname: host, port } = new URL(url);
  return new Promise((resolve) => {
    const options = { host, port, path, method, headers, agent, timeout: TIMEOUT_MS };
    const closed = (): void => resolve({ status: 0, body: '' });
    const sent = request(options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.on('error', closed);
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', closed);
    sent.end(body);
  });
}

/** One call after another on each of the connections until the signal; returns the number of answers by status. */
export async function hammer(
  url: string,
  next: (count: number) => Call,
  { connections, signal, pauseMs = 0 }: { connections: number; signal: AbortSignal; pauseMs?: number },
): Promise<Map<number, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const statuses = new Map<number, number>();
  let count = 0;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const { status } = await call(url, next(count++), agent);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (pauseMs > 0) await delay(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, run));
  agent.destroy();
  return statuses;
}

/** Sockets that send the beginning and then, now and again, one more byte. Closed at the signal. */
export async function holdSockets(url: string, beginning: string, count: number, signal: AbortSignal): Promise<void> {
  const { hostname: host, port } = new URL(url);
  const sockets: Socket[] = [];
  for (let opened = 0; opened < count; opened++) {
    const socket = connect(Number(port), host);
    socket.on('error', () => undefined);
    socket.write(beginning);
    sockets.push(socket);
  }
  while (!signal.aborted) {
    for (const socket of sockets) if (socket.writable) socket.write('x');
    await delay(500, undefined, { signal }).catch(() => undefined);
  }
  for (const socket of sockets) socket.destroy();
}

export function words(statuses: ReadonlyMap<number, number>): string {
  return [...statuses].map(([status, count]) => `${count} × ${status || 'closed'}`).join(', ');
}
