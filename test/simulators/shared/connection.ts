import { constants, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/** The largest stream id: a GOAWAY with this id announces the end without refusing any stream. */
const NO_STREAM_LIMIT = 2 ** 31 - 1;
/** How long a peer with a fault may read the GOAWAY. */
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
  /** Like `abandon`, with RST_STREAM REFUSED_STREAM. */
  refuse(): void;
}

/**
 * One accepted TCP connection. The raw socket is kept besides the HTTP/2 session, whose socket does not support some
 * faults: a FIN without GOAWAY, a TCP reset, a stopped reader.
 */
export class Connection {
  session: ServerHttp2Session | null = null;
  readonly inFlight = new Set<Exchange>();
  /** The highest answered stream: a truthful GOAWAY may not have a lower last stream. */
  highestAnswered = 0;
  /** True once no answer may be sent any more. */
  silent = false;
  /** True once it has sent GOAWAY: its streams finish, new ones are not served. */
  draining = false;
  /** Streams above are not served: a GOAWAY refuses them, which may not have been sent yet. */
  lastTaken = Infinity;

  constructor(
    readonly id: number,
    readonly socket: Socket,
  ) {}

  announceStreams(maxConcurrentStreams: number): void {
    // A session that was destroyed by a reset does not count as closed.
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
    // The GOAWAY is sent in this turn of the loop; closing at once would reset the connection.
    setImmediate(() => this.fin());
    setTimeout(() => this.socket.destroy(), LINGER_MS).unref();
  }

  tcpReset(): void {
    this.silence();
    this.socket.resetAndDestroy();
  }

  /**
   * Answers nothing any more, not even PING: node:http2 acknowledges PING below JavaScript, so reading is stopped on
   * the handle, because the session has taken over the stream's reader.
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

  /** GOAWAY in two steps: announced with the largest id, and after a round trip with the last accepted stream. */
  goawayGracefully(debug?: string): void {
    const session = this.session;
    if (!session || this.draining) return;
    this.draining = true;
    session.goaway(0, NO_STREAM_LIMIT, debug === undefined ? undefined : Buffer.from(debug));
    session.ping(() => {
      if (!session.destroyed) session.close();
    });
    // nghttp2 reads nothing after GOAWAY without open streams, so the answer to that PING would never arrive.
    this.closeWhenAnswered();
  }

  /**
   * GOAWAY that refuses all streams above `lastStreamId`; streams up to it are answered, then the connection closes.
   * The id is raised to the highest answered stream, which was processed. Returns the last accepted id.
   */
  goawayAt(lastStreamId: number, code: number, debug?: string): number {
    const last = Math.max(lastStreamId, this.highestAnswered);
    const session = this.session;
    if (!session || this.draining) return last;
    for (const exchange of this.inFlight) {
      if (exchange.streamId <= last) continue;
      // node:http2 cannot send last stream 0 (it means "the newest"), so stream 1 is refused separately.
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
    // `close` sends GOAWAY too; nghttp2 prevents a higher last id only after the first GOAWAY was sent.
    if ((session.state.outboundQueueSize ?? 0) > 0) setImmediate(() => this.closeWhenAnswered());
    else session.close();
  }

  /** The stream id in the middle of those in flight; 0 if there are none. */
  middleStream(): number {
    const ids = [...this.inFlight].map((exchange) => exchange.streamId).toSorted((a, b) => a - b);
    return ids[(ids.length >> 1) - 1] ?? 0;
  }
}
