import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/**
 * A load generator with a low cost of its own: requests are written as prepared bytes; of answers only the status and
 * the length are read. One request at a time on each connection.
 */

export interface Load {
  requests: number;
  perSecond: number;
  /** ms. */
  p50: number;
  p99: number;
}

export interface Target {
  port: number;
  path: string;
  token: string;
  status: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** Sends bodies for `ms` on `connections`; every answer must have the status. */
export async function applyLoad(
  { port, path, token, status }: Target,
  bodyOf: (index: number) => string,
  { connections, ms }: { connections: number; ms: number },
): Promise<Load> {
  const took: number[] = [];
  const end = performance.now() + ms;
  const wanted = `HTTP/1.1 ${status} `;
  let next = 0;
  const started = performance.now();
  const run = async (): Promise<void> => {
    const socket = connect(port, '127.0.0.1').setNoDelay();
    await once(socket, 'connect');
    while (performance.now() < end) {
      const body = bodyOf(next++);
      const began = performance.now();
      const answer = await exchange(
        socket,
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n` +
          `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      if (!answer.startsWith(wanted)) throw new Error(`answered ${answer.slice(0, 400)}`);
      took.push(performance.now() - began);
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, run));
  const seconds = (performance.now() - started) / 1_000;
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { requests: took.length, perSecond: took.length / seconds, p50: at(0.5), p99: at(0.99) };
}

function exchange(socket: Socket, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const settle = (act: () => void): void => {
      socket.off('data', read).off('error', fail).off('close', closed);
      act();
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const closed = (): void => settle(() => reject(new Error('the connection was closed')));
    const read = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const head = received.indexOf(HEAD_END);
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(received.toString('latin1', 0, head))?.[1] ?? 0);
      if (received.length >= head + 4 + length) settle(() => resolve(received.toString('utf8')));
    };
    socket.on('data', read).on('error', fail).on('close', closed);
    socket.write(request);
  });
}
