import type { LookupFunction } from 'node:net';

/** The contract of the push pipeline: what goes in, what comes out. */

export type Header = readonly [name: string, value: string];

/** One small POST. Header names are lower case; pseudo-headers are the pipeline's own business. */
export interface PushRequest {
  path: string;
  /**
   * Headers that many requests share (authorization, topic, …). The array is compared by identity: each connection
   * encodes it once and names it by table index afterwards, so hand over the same array for as long as it holds.
   */
  constant: readonly Header[];
  /** Headers of this request alone. */
  headers?: readonly Header[];
  body: Uint8Array;
  /** It waits for a stream before those that are not urgent. */
  urgent?: boolean;
  /**
   * Once it aborts, the request is refused unless it was written by then. The same object for all requests of one
   * caller.
   */
  signal?: AbortSignal;
  /**
   * Milliseconds that it may wait for a stream, and again from its writing to its answer; the pool's own default when
   * absent.
   */
  timeoutMs?: number;
}

/**
 * What became of a request, exactly one of:
 * - answered: status, headers and body arrived whole;
 * - refused: provably not processed (never written, REFUSED_STREAM, above GOAWAY's last id): sending again is safe;
 * - ambiguous: written, and no whole answer came (time-out, reset, connection lost): the peer may have acted on it.
 */
export type PushResult =
  | {
      kind: 'answered';
      status: number;
      /** Lower-case names; a repeated header is joined with ", ". */
      headers: Readonly<Record<string, string>>;
      body: Buffer;
      /** Names the connection that answered, for `PushPool.retire`. */
      connection: number;
    }
  | { kind: 'refused'; reason: string }
  | { kind: 'ambiguous'; reason: string; head?: AnswerHead };

/** What came of an answer whose body did not come whole. */
export interface AnswerHead {
  status: number;
  headers: Readonly<Record<string, string>>;
}

export interface PushPoolOptions {
  /** Scheme, host and port, e.g. `https://api.push.apple.com:443`. `http:` speaks HTTP/2 with prior knowledge. */
  origin: string;
  /** As for `tls.connect`; read once, for all connections. */
  tls?: { ca?: string; cert?: string; key?: string; servername?: string };
  /** Finds the addresses of the origin's name in place of the system's look-up, for each connection. */
  lookup?: LookupFunction;
  /** Names of headers that never enter the peer's table (Apple wants `authorization` so; `:path` never does). */
  neverIndex?: readonly string[];
  /**
   * True when the peer wants one answered request before it opens up (APNs token authentication): a new connection
   * sends one request alone and the others wait for its answer.
   */
  primer?: boolean;
  /** Upper bound of connections; the pool opens one more only when those it has are full. Default 16. */
  maxConnections?: number;
  /** Default 15,000. */
  requestTimeoutMs?: number;
  /** A PING goes out after this long with streams open and nothing heard. Default 30,000. */
  pingIntervalMs?: number;
  /** A connection is replaced, then drained, at a random age between half of this and this. Default 2 hours. */
  maxAgeMs?: number;
  /** From the name look-up to the peer's SETTINGS. Default 10,000. */
  connectTimeoutMs?: number;
  /**
   * Least time between two connections opened for want of room; also the measure of the reconnect backoff. Default
   * 1,000.
   */
  openIntervalMs?: number;
  /** How long a PING may stay unanswered. Default 5,000. */
  pingTimeoutMs?: number;
}

export interface PushPoolStats {
  connections: number;
  /** Requests written and not settled. */
  inFlight: number;
  /** Requests waiting for a stream. */
  waiting: number;
  /** Streams that the peers allow at this moment, summed over the connections. */
  capacity: number;
  lastError?: string;
}
