import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Api } from '../../test/harness/api.js';

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

/** Single messages to the devices of the application that `api` calls. */
export function messagesOf({ url, applicationId, authorization }: Api): Target {
  return {
    port: Number(new URL(url).port),
    path: `/imfpush/v1/apps/${applicationId}/messages`,
    token: authorization.slice('Bearer '.length),
    status: 202,
  };
}

const HEAD_END = Buffer.from('\r\n\r\n');

interface Manner {
  connections: number;
  ms: number;
  /**
   * An open loop: requests have a time of their own, and their duration counts from it, so that a slow answer delays no
   * measured request. If absent, a connection sends its next request after its answer.
   */
  perSecond?: number;
  /** Called with each answer. */
  answered?: (index: number) => void;
}

/** Sends bodies for `ms` on `connections`; every answer must have the status. */
export async function applyLoad(
  { port, path, token, status }: Target,
  bodyOf: (index: number) => string,
  { connections, ms, perSecond, answered }: Manner,
): Promise<Load> {
  const took: number[] = [];
  const wanted = `HTTP/1.1 ${status} `;
  let next = 0;
  const sockets = Array.from({ length: connections }, () => connect(port, '127.0.0.1').setNoDelay());
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const started = performance.now();
  const end = started + ms;
  const run = async (socket: Socket): Promise<void> => {
    while (performance.now() < end) {
      const index = next++;
      const body = bodyOf(index);
      const due = perSecond === undefined ? performance.now() : started + (index / perSecond) * 1_000;
      if (due > end) break;
      if (due > performance.now()) await delay(due - performance.now());
      const answer = await exchange(
        socket,
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n` +
          `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      if (!answer.startsWith(wanted)) throw new Error(`answered ${answer.slice(0, 400)}`);
      took.push(performance.now() - due);
      answered?.(index);
    }
    socket.destroy();
  };
  await Promise.all(sockets.map(run));
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
