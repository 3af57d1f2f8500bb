import axios, { AxiosError, type AxiosInstance } from 'axios';
import { Agent } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { PushRequest, PushResult } from '../../http2/push.js';
import type { SenderStats } from '../provider.js';

/** Each carries one request at a time; answers take about 100 ms, so this is some 640 a second for one origin. */
const SOCKETS = 64;
const TIMEOUT_MS = 15_000;
/** An idle socket is closed before the usual server closes it, which would cost the request that comes with it. */
const IDLE_MS = 4_000;
/** What is read of an answer; an error is a few hundred bytes. */
const LONGEST_ANSWER = 65_536;

/** What can only happen before a byte of the request is written: name, connection, TLS. */
const BEFORE_WRITING =
  /^(ENOTFOUND|EAI_\w+|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ENOTPUBLIC|ERR_TLS_\w+|ERR_SSL_\w+|EPROTO|CERT_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+|UNABLE_TO_\w+)$/;

/** Pushes to one origin over HTTP/1.1 on kept connections, with the same results as the pool of HTTP/2. */
export class Http1Channel {
  private readonly agent: Agent;
  private readonly client: AxiosInstance;
  private readonly open = new Set<Promise<unknown>>();
  private closed = false;

  constructor(
    private readonly origin: string,
    ca: string | undefined,
    lookup: LookupFunction,
  ) {
    const tls = ca === undefined ? {} : { ca };
    this.agent = new Agent({ keepAlive: true, maxSockets: SOCKETS, timeout: IDLE_MS, lookup, ...tls });
    this.client = axios.create({
      httpsAgent: this.agent,
      // A proxy of the environment would resolve the name by itself, and a redirect was not checked.
      proxy: false,
      maxRedirects: 0,
      responseType: 'arraybuffer',
      decompress: false,
      maxContentLength: LONGEST_ANSWER,
      validateStatus: null,
      transformResponse: [],
    });
  }

  send(request: PushRequest): Promise<PushResult> {
    if (this.closed) return Promise.resolve({ kind: 'refused', reason: 'the channel is closed' });
    const sent = this.post(request).finally(() => this.open.delete(sent));
    this.open.add(sent);
    return sent;
  }

  stats(): SenderStats {
    const count = (sockets: NodeJS.ReadOnlyDict<unknown[]>): number =>
      Object.values(sockets).reduce((sum, each) => sum + (each?.length ?? 0), 0);
    const connections = count(this.agent.sockets) + count(this.agent.freeSockets);
    return { connections, streams: connections, inFlight: this.open.size };
  }

  /** Lets what is written finish, each within its own time-out, then closes the connections. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.open);
    this.agent.destroy();
  }

  private async post({ path, constant, headers = [], body }: PushRequest): Promise<PushResult> {
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const all = Object.fromEntries([...constant, ...headers]);
      // A view that is no Buffer axios would send with all of the memory behind it.
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      const answer = await this.client.post<Buffer>(this.origin + path, bytes, { headers: all, signal: deadline });
      const received = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
      return {
        kind: 'answered',
        status: answer.status,
        headers: Object.fromEntries(received) as Record<string, string>,
        body: Buffer.from(answer.data),
        connection: 0,
      };
    } catch (error) {
      return unanswered(error, deadline.aborted);
    }
  }
}

function unanswered(error: unknown, late: boolean): PushResult {
  if (!(error instanceof AxiosError)) throw error;
  const code = error.code ?? '';
  // Of axios' own words some quote the URL; the code says enough.
  if (late) return { kind: 'ambiguous', reason: 'no answer in time' };
  if (BEFORE_WRITING.test(code)) return { kind: 'refused', reason: code };
  return { kind: 'ambiguous', reason: code === '' ? 'the connection was lost' : code };
}
