import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';

/**
 * A regular caller: one message to one device every 25 ms, from a separate process, so that generating the attack does
 * not slow the measurement. A message is sent on time even if an earlier one still waits.
 */

const EVERY_MS = 25;
const CHILD = 'neighbour';
const TIMEOUT_MS = 60_000;

export interface Neighbourhood {
  url: string;
  path: string;
  token: string;
  body: string;
}

export interface Visit {
  /** From the time when a request was due to its answer, ms. */
  took: number[];
  accepted: string[];
  /** The number of answers by status, without 202; 0: no answer. */
  refused: Record<number, number>;
}

export class Neighbour {
  private constructor(private readonly child: ChildProcess) {}

  static async open(): Promise<Neighbour> {
    const child = fork(fileURLToPath(import.meta.url), [CHILD], { execArgv: ['--import', 'tsx'] });
    await once(child, 'message');
    return new Neighbour(child);
  }

  async start(where: Neighbourhood): Promise<void> {
    await this.ask(where);
  }

  /** Waits until every sent message is answered. */
  async stop(): Promise<Visit> {
    return (await this.ask('stop')) as Visit;
  }

  close(): void {
    this.child.disconnect();
  }

  private async ask(what: Neighbourhood | 'stop'): Promise<unknown> {
    const answer = once(this.child, 'message');
    this.child.send(what);
    return ((await answer) as [unknown])[0];
  }
}

function serve(): void {
  const agent = new Agent({ keepAlive: true });
  let timer: NodeJS.Timeout | undefined;
  let visit: Visit = { took: [], accepted: [], refused: {} };
  let open: Promise<void>[] = [];

  const start = (where: Neighbourhood): void => {
    const seen: Visit = (visit = { took: [], accepted: [], refused: {} });
    open = [];
    const started = performance.now();
    let sent = 0;
    timer = setInterval(() => {
      for (; sent * EVERY_MS <= performance.now() - started; sent++)
        open.push(sendOne(where, started + sent * EVERY_MS, seen));
    }, EVERY_MS / 5);
  };

  const sendOne = async ({ url, path, token, body }: Neighbourhood, due: number, seen: Visit): Promise<void> => {
    const { status, text } = await post(new URL(url), path, token, body).catch(() => ({ status: 0, text: '' }));
    seen.took.push(performance.now() - due);
    if (status === 202) seen.accepted.push((JSON.parse(text) as { messageId: string }).messageId);
    else seen.refused[status] = (seen.refused[status] ?? 0) + 1;
  };

  const post = (
    { hostname: host, port }: URL,
    path: string,
    token: string,
    body: string,
  ): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const sent = request({ host, port, path, method: 'POST', headers, agent, timeout: TIMEOUT_MS }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on('timeout', () => sent.destroy(new Error('no answer')));
      sent.on('error', reject).end(body);
    });

  process.on('message', (what: Neighbourhood | 'stop') => {
    clearInterval(timer);
    if (what !== 'stop') {
      start(what);
      return process.send?.('sending');
    }
    return void Promise.all(open).then(() => process.send?.(visit));
  });
  process.once('disconnect', () => process.exit());
  process.send?.('ready');
}

if (process.argv[2] === CHILD) serve();
