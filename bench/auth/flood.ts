import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import { basic } from '../../test/harness/admin.js';
import { post } from './calls.js';
import type { Call } from './calls.js';

/**
 * Requests for tokens at a steady rate, from a separate process, so that sending them does not slow the good caller.
 */

/** Twenty-five hashes a second use a whole core. */
export const FLOOD_PER_SECOND = 200;
const CHILD = 'flood';

export interface Flood {
  url: string;
  path: string;
  body: string;
  /** The guesses use this many addresses of 127.0.0.0/8 in turn. */
  addresses: number;
  /** If given, the flood uses this right secret: the cost of the same number of requests. */
  rightSecret?: string;
}

/** The number of answers by status. */
export type Answers = Record<number, number>;

export class Flooder {
  private constructor(private readonly child: ChildProcess) {}

  static async open(): Promise<Flooder> {
    const child = fork(fileURLToPath(import.meta.url), [CHILD]);
    await once(child, 'message');
    return new Flooder(child);
  }

  async start(flood: Flood): Promise<void> {
    await this.ask(flood);
  }

  /** Returns the answers since the start. */
  async stop(): Promise<Answers> {
    return (await this.ask('stop')) as Answers;
  }

  close(): void {
    this.child.disconnect();
  }

  private async ask(what: Flood | 'stop'): Promise<unknown> {
    const answer = once(this.child, 'message');
    this.child.send(what);
    return ((await answer) as [unknown])[0];
  }
}

function serve(): void {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  let timer: NodeJS.Timeout | undefined;
  let answers: Answers = {};
  let guess = 0;
  const start = ({ url, path, body, addresses, rightSecret }: Flood): void => {
    const count: Answers = (answers = {});
    const target = new URL(url);
    const first = guess;
    const started = performance.now();
    timer = setInterval(() => {
      const due = first + ((performance.now() - started) / 1_000) * FLOOD_PER_SECOND;
      for (; guess < due; guess++) {
        const from = guess % addresses;
        const call: Call = {
          path,
          authorization: basic('victim', rightSecret ?? `guess ${guess}`),
          body,
          // From other addresses than the wrong secrets, where a right one would wait too.
          address: `127.${rightSecret === undefined ? 0 : 1}.${1 + Math.floor(from / 250)}.${1 + (from % 250)}`,
        };
        void post(target, call, agent)
          .then((status) => (count[status] = (count[status] ?? 0) + 1))
          .catch(() => undefined);
      }
    }, 5);
  };
  process.on('message', (what: Flood | 'stop') => {
    clearInterval(timer);
    if (what === 'stop') return process.send?.(answers);
    start(what);
    return process.send?.('flooding');
  });
  process.once('disconnect', () => process.exit());
  process.send?.('ready');
}

if (process.argv[2] === CHILD) serve();
