import { constants, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/** The largest stream id there is: a GOAWAY naming it says "soon" without giving any stream up. */
const NO_STREAM_LIMIT = 2 ** 31 - 1;
/** A peer that was told of its fault has so long to read it. */
const LINGER_MS = 500;

/** One request that has not been answered yet. */
export interface Exchange {
  readonly streamId: number;
  /** Settles it as accepted and never answered. */
  recordAnswerLost(): void;
  /** Settles the exchange as one whose answer cannot arrive; a complete request was processed. */
  leave(): void;
  /** Settles it as neither processed nor answered. */
  abandon(): void;
  /** The same, telling the peer so with RST_STREAM REFUSED_STREAM. */
  refuse(): void;
}

/**
 * One accepted TCP connection. The raw socket is kept beside the HTTP/2 session because the session's own socket
 * forbids what a fault needs: a FIN without GOAWAY, a TCP reset, a stopped reader.
 */
export class Connection {
  session: ServerHttp2Session | null = null;
  readonly inFlight = new Set<Exchange>();
  /** Highest stream that got an answer: a truthful GOAWAY may not name a lower last stream. */
  highestAnswered = 0;
  /** True once nothing may be answered on it any more. */
  silent = false;
  /** True once it has said GOAWAY: its streams finish, new ones are not served. */
  draining = false;
  /** Streams above it are not served: a GOAWAY has refused them, though it may not have left yet. */
  lastTaken = Infinity;

  constructor(
    readonly id: number,
    readonly socket: Socket,
  ) {}

  announceStreams(maxConcurrentStreams: number): void {
    // Destroyed at once by a reset, a session is not called closed.
    if (this.session && !this.session.closed && !this.session.destroyed)
      this.session.settings({ maxConcurrentStreams });
  }

  /** FIN without GOAWAY; requests in flight stay unanswered. */
  fin(): void {
    this.silence();
    this.socket.end();
  }

  /** GOAWAY PROTOCOL_ERROR, then FIN; requests in flight stay unanswered. */
  refuseProtocolError(debug: string): void {
    if (this.silent) return;
    this.session?.goaway(constants.NGHTTP2_PROTOCOL_ERROR, 0, Buffer.from(debug));
    // The GOAWAY leaves with this turn of the loop; closing at once would reset the connection under it.
    setImmediate(() => this.fin());
    setTimeout(() => this.socket.destroy(), LINGER_MS).unref();
  }

  tcpReset(): void {
    this.silence();
    this.socket.resetAndDestroy();
  }

  /**
   * Answers nothing any more, not even PING: node:http2 acknowledges PING below JavaScript, so the reading itself
   * stops, on the handle because the session took the stream's own reader away.
   */
  blackhole(): void {
    this.silence();
    const { _handle: handle } = this.socket as unknown as { _handle?: { readStop(): number } };
    handle?.readStop();
  }

  private silence(): void {
    this.silent = true;
    for (const exchange of this.inFlight) exchange.abandon();
  }

  /** GOAWAY in two steps: announced with the largest id, and after a round trip with the last stream really taken. */
  goawayGracefully(debug?: string): void {
    const session = this.session;
    if (!session || this.draining) return;
    this.draining = true;
    session.goaway(0, NO_STREAM_LIMIT, debug === undefined ? undefined : Buffer.from(debug));
    session.ping(() => {
      if (!session.destroyed) session.close();
    });
    // nghttp2 reads nothing more after GOAWAY without open streams: the answer to that PING would never be seen.
    this.closeWhenAnswered();
  }

  /**
   * GOAWAY with everything above `lastStreamId` refused; streams up to it are answered, then the connection closes.
   * The id is raised to the highest stream answered already, since those were processed. Returns the last id taken.
   */
  goawayAt(lastStreamId: number, code: number, debug?: string): number {
    const last = Math.max(lastStreamId, this.highestAnswered);
    const session = this.session;
    if (!session || this.draining) return last;
    for (const exchange of this.inFlight) {
      if (exchange.streamId <= last) continue;
      // node:http2 cannot say last stream 0 (it reads 0 as "the newest"), so then stream 1 is refused by name.
      if (exchange.streamId === 1) exchange.refuse();
      else exchange.abandon();
    }
    session.goaway(code, Math.max(last, 1), debug === undefined ? undefined : Buffer.from(debug));
    this.draining = true;
    this.lastTaken = last;
    this.closeWhenAnswered();
    return last;
  }

  /** Ends the session once no exchange up to the last stream is open. */
  closeWhenAnswered(): void {
    const { session } = this;
    if (!session || session.destroyed || !this.draining || this.inFlight.size > 0) return;
    // `close` says GOAWAY too, and nghttp2 keeps its last id from rising only above one that has left already.
    if ((session.state.outboundQueueSize ?? 0) > 0) setImmediate(() => this.closeWhenAnswered());
    else session.close();
  }

  /** The stream id in the middle of those in flight, 0 when there are none. */
  middleStream(): number {
    const ids = [...this.inFlight].map((exchange) => exchange.streamId).toSorted((a, b) => a - b);
    return ids[(ids.length >> 1) - 1] ?? 0;
  }
}
