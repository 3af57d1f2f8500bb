import type { LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';

/** The types of requests and results of the HTTP/2 client. */

export type Header = readonly [name: string, value: string];

/** One small POST. Header names are lower case; the client sets the pseudo-headers. */
export interface PushRequest {
  path: string;
  /**
   * Headers that many requests share (authorization, topic, …). The array is compared by identity: each connection
   * encodes it once and then refers to table indices, so pass the same array as long as its content is valid.
   */
  constant: readonly Header[];
  /** Headers of this request only. */
  headers?: readonly Header[];
  body: Uint8Array;
  /** Waits for a stream before requests that are not urgent. */
  urgent?: boolean;
  /**
   * When aborted, the request is refused unless it was already written. Use the same object for all requests of one
   * caller.
   */
  signal?: AbortSignal;
  /** Milliseconds of the wait for a stream, and again of the wait for an answer; default: the pool's. */
  timeoutMs?: number;
}

/**
 * The result of a request, exactly one of:
 * - answered: status, headers and body are complete;
 * - refused: provably not processed (never written, REFUSED_STREAM, above GOAWAY's last id): sending again is safe;
 * - ambiguous: written, but without a complete answer (time-out, reset, connection lost): the peer may have processed
 *   it.
 */
export type PushResult =
  | {
      kind: 'answered';
      status: number;
      /** Lower-case names; a repeated header is joined with ", ". */
      headers: Readonly<Record<string, string>>;
      body: Buffer;
      /** The connection that answered, for `PushPool.retire`. */
      connection: number;
    }
  | { kind: 'refused'; reason: string }
  | { kind: 'ambiguous'; reason: string; head?: AnswerHead };

/** The head of an answer with an incomplete body. */
export interface AnswerHead {
  status: number;
  headers: Readonly<Record<string, string>>;
}

export interface PushPoolOptions {
  /** Scheme, host and port, e.g. `https://api.push.apple.com:443`. `http:` uses HTTP/2 with prior knowledge. */
  origin: string;
  /** Like the options of `tls.connect`; read once, for all connections. */
  tls?: { ca?: string; cert?: string; key?: string; servername?: string };
  /** Resolves the origin's name instead of the system's look-up, for each connection. */
  lookup?: LookupFunction;
  /**
   * For `https:`: opens the stream on which TLS begins, for each connection, for example through a proxy. Undefined: a
   * socket to the host.
   */
  tunnel?: (host: string, port: number) => Duplex | undefined;
  /**
   * Names of headers that never enter the peer's table (Apple requires this for `authorization`; `:path` never does).
   */
  neverIndex?: readonly string[];
  /**
   * True if the peer answers one request before it allows more (APNs token authentication): a new connection sends one
   * request, and the others wait for its answer.
   */
  primer?: boolean;
  /** Maximum of connections; the pool opens another only if all are full. Default 16. */
  maxConnections?: number;
  /** Default 15,000. */
  requestTimeoutMs?: number;
  /** Send a PING if streams are open and nothing was received for this long. Default 30,000. */
  pingIntervalMs?: number;
  /**
   * A connection is replaced, then drained, at a random age between half of this value and this value. Default 2 hours.
   */
  maxAgeMs?: number;
  /** From the name look-up to the peer's SETTINGS. Default 10,000. */
  connectTimeoutMs?: number;
  /** Least time between two additional connections; also the unit of the reconnect backoff. Default 1,000. */
  openIntervalMs?: number;
  /** The time within which a PING has to be answered. Default 5,000. */
  pingTimeoutMs?: number;
  meter?: PoolMeter;
}

/** Takes measurements; called for each request, so each call has to be quick. */
export interface PoolMeter {
  /** A written request has its answer; status 0: ambiguous. `ms`: since it was written. */
  settled(status: number, ms: number): void;
  /** The peer sent GOAWAY with this code. */
  wentAway(code: number): void;
}

export interface PushPoolStats {
  connections: number;
  /** Requests written and not settled. */
  inFlight: number;
  /** Requests waiting for a stream. */
  waiting: number;
  /** Streams that the peers allow now, summed over the connections. */
  capacity: number;
  lastError?: string;
}
