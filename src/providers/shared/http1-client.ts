import { setMaxListeners } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import axios, { isAxiosError } from 'axios';
import type { AnswerHead, PoolMeter } from '../../http2/push.js';
import { PROXY_FAULT, TunnelAgent, type Way } from '../../common/tunnel.js';
import type { SenderStats } from '../provider.js';

/** HTTP/1.1 client for WNS, HMS, push services of browsers without HTTP/2, and an upstream. */

/** For the wait for a connection, and again from writing to the whole answer. */
const DEADLINE_MS = 15_000;
/** Idle connections are closed before a server closes them during a request; Azure's front ends allow 120 s. */
const IDLE_MS = 30_000;
/** The longest known answer names 1000 refused tokens of about 200 characters. */
const LARGEST_ANSWER = 512 * 1_024;

/** Like `PushResult` of the HTTP/2 client. `refused`: nothing was written. */
export type HttpResult =
  | { kind: 'answered'; status: number; headers: Readonly<Record<string, string>>; body: Buffer }
  | { kind: 'refused'; reason: string }
  | { kind: 'ambiguous'; reason: string; head?: AnswerHead };

export interface Http1Options extends Way {
  /** To one host; each carries one request at a time. */
  maxConnections: number;
  /** How long an unused connection is kept. Default 30,000. */
  idleMs?: number;
  /** For the wait for a connection, and again from writing to the whole answer. Default 15,000. */
  deadlineMs?: number;
  /** Largest answer in bytes; a longer one counts as no answer. Default 524,288. */
  largestAnswer?: number;
  /** Resolves host names instead of the system. */
  lookup?: LookupFunction;
  meter?: Pick<PoolMeter, 'settled'>;
}

/**
 * POSTs over kept connections, with Content-Length and without `Expect`. Follows no redirect. Never rejects; a failure
 * is reported as a code, because the error contains the request with its credentials.
 */
export class Http1Client {
  private readonly agents: { httpAgent: http.Agent; httpsAgent: https.Agent };
  /** Sockets that are connected, with TLS finished, so that a request can be written. */
  private readonly open = new WeakSet<Socket>();
  private readonly inFlight = new Set<Promise<HttpResult>>();
  private closed = false;

  constructor(private readonly options: Http1Options) {
    const { ca, maxConnections: maxSockets, idleMs: timeout = IDLE_MS, lookup, tunnel } = options;
    const agent = { keepAlive: true, maxSockets, timeout, ...(lookup && { lookup }) };
    const secure = { ...agent, ...(ca === undefined ? {} : { ca }) };
    this.agents = {
      httpAgent: new http.Agent(agent),
      httpsAgent: tunnel ? new TunnelAgent(secure, tunnel) : new https.Agent(secure),
    };
  }

  /** After `signal` aborts, the request is refused unless it was already written. */
  post(url: string, headers: Record<string, string>, body: Uint8Array, signal?: AbortSignal): Promise<HttpResult> {
    if (this.closed || signal?.aborted === true) return Promise.resolve({ kind: 'refused', reason: 'closed' });
    const exchange = this.exchange(url, headers, body, signal);
    this.inFlight.add(exchange);
    return exchange.finally(() => this.inFlight.delete(exchange));
  }

  /** One request at a time on each connection. */
  stats(): SenderStats {
    const pools = Object.values(this.agents).flatMap(({ sockets, freeSockets }) => [sockets, freeSockets]);
    const connections = pools
      .flatMap((pool) => Object.values(pool))
      .reduce((sum, list) => sum + (list?.length ?? 0), 0);
    return { connections, streams: this.options.maxConnections, inFlight: this.inFlight.size };
  }

  /** Finishes requests in flight, then closes the connections. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.inFlight);
    this.agents.httpAgent.destroy();
    this.agents.httpsAgent.destroy();
  }

  private async exchange(
    url: string,
    headers: Record<string, string>,
    body: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<HttpResult> {
    const { deadlineMs = DEADLINE_MS, largestAnswer = LARGEST_ANSWER } = this.options;
    let written = false;
    let writtenAt = 0;
    let head: AnswerHead | undefined;
    const abort = new AbortController();
    const expire = (): void => abort.abort();
    let timer = setTimeout(expire, deadlineMs);
    const write = (): void => {
      written = true;
      writtenAt = performance.now();
      clearTimeout(timer);
      timer = setTimeout(expire, deadlineMs);
    };
    const callOff = (): void => void (written || abort.abort());
    if (signal) {
      // One listener per request of a batch: more than Node's warning limit.
      setMaxListeners(0, signal);
      signal.addEventListener('abort', callOff);
    }
    const transport = {
      request: (options: https.RequestOptions, answered: (response: http.IncomingMessage) => void) => {
        const secure = options.protocol === 'https:';
        const request = (secure ? https : http).request(options, (response) => {
          head = { status: response.statusCode ?? 0, headers: asText(response.headers) };
          answered(response);
        });
        request.once('socket', (socket) => {
          if (this.open.has(socket)) write();
          else
            socket.once(secure ? 'secureConnect' : 'connect', () => {
              this.open.add(socket);
              write();
            });
        });
        return request;
      },
    };
    // For a view that is not a Buffer, axios would send the whole memory behind it.
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    try {
      const response = await axios.post<Buffer>(url, bytes, {
        ...this.agents,
        headers,
        transport,
        signal: abort.signal,
        maxRedirects: 0,
        maxContentLength: largestAnswer,
        proxy: false,
        responseType: 'arraybuffer',
        validateStatus: () => true,
      });
      this.options.meter?.settled(response.status, performance.now() - writtenAt);
      return { kind: 'answered', status: response.status, headers: asText(response.headers), body: response.data };
    } catch (error) {
      const reason = codeOf(error);
      if (written) this.options.meter?.settled(0, performance.now() - writtenAt);
      return written ? { kind: 'ambiguous', reason, ...(head && { head }) } : { kind: 'refused', reason };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', callOff);
    }
  }
}

/** axios reports every aborted signal as ERR_CANCELED: the deadline, or the caller, whose signal is aborted then. */
function codeOf(error: unknown): string {
  if (!isAxiosError(error) || error.code === undefined) return 'failed';
  if (error.code === PROXY_FAULT) return error.message;
  return ['ERR_CANCELED', 'ECONNABORTED', 'ETIMEDOUT'].includes(error.code) ? 'time-out' : error.code;
}

function asText(headers: object): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}
