import { sleep } from './attempt.js';
import { ConnectionError, UnexpectedAnswerError, parseObject } from './errors.js';
import { readLines } from './lines.js';
import { toQuery } from './routes.js';
import type { CallOptions, Transport } from './transport.js';

export interface CarillonEvent {
  id: string;
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
}

export interface Read {
  event: CarillonEvent;
  /** Keep it with what you make of the event: the next walk begins after it. */
  cursor: string;
}

export interface EventsQuery {
  /** A cursor; `latest`, the default: from now on; `oldest`: all that are kept. */
  after?: string;
  /** As `message.*,delivery.failed`; all if omitted. */
  types?: string;
}

const TRIES_WITHOUT_A_LINE = 10;
const PAUSE_MS = 1_000;

/** The events of an application as they happen, each once; a connection that ends is replaced by a new one. */
export async function* readEvents(
  transport: Transport,
  path: string,
  { after = 'latest', types }: EventsQuery,
  options: CallOptions,
): AsyncGenerator<Read, void, undefined> {
  const call = { ...options, method: 'GET', isRepeatable: true };
  let cursor = after === 'oldest' ? undefined : after;
  // A cursor from the beginning: `latest` would be a later place after each break.
  if (cursor === 'latest')
    cursor = (await transport.json<{ cursor: string }>({ ...call, path: `${path}?after=latest&wait=0` })).cursor;
  for (let failed = 0; ;) {
    const headers = { accept: 'application/x-ndjson' };
    const place = toQuery({ after: cursor, types });
    try {
      for await (const line of readLines(transport.stream({ ...call, headers, path: `${path}${place}` }))) {
        const read = parseObject(line) as Partial<Read> | undefined;
        if (typeof read?.cursor !== 'string') throw new ConnectionError('The feed broke off in a line');
        if (read.event) yield read as Read;
        cursor = read.cursor;
        failed = 0;
      }
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      if (++failed > TRIES_WITHOUT_A_LINE) throw new UnexpectedAnswerError(`The feed ends at once: ${error.message}`);
      await sleep(Math.random() * PAUSE_MS * (failed - 1), options.signal);
    }
  }
}
