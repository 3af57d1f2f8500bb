import type { Socket } from 'node:net';
import { dial, type DialTarget } from './dial.js';
import type { Exchange } from './exchange.js';
import { ConnectionError, ErrorCode, MAX_31_BITS } from './frames.js';
import { FrameWriter } from './frame-writer.js';
import { HpackEncoder } from './hpack-encoder.js';
import { Liveness } from './liveness.js';
import { Session, type SessionOwner } from './session.js';

/** After a GOAWAY the socket gets this long to send it before it is destroyed. */
const LINGER_MS = 1000;

/** This many consecutive time-outs without an answer condemn a connection, even if it still answers PING. */
const MAX_TIMEOUTS_IN_A_ROW = 8;

/** A connection with fewer stream ids left is replaced before they run out. */
const RESERVED_STREAMS = 500_000;

const PING_PAYLOAD = Buffer.from('carillon', 'latin1');

export interface ConnectionOptions {
  id: number;
  target: DialTarget;
  neverIndex: ReadonlySet<string>;
  primer: boolean;
  connectTimeoutMs: number;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  /** TLS session to resume. */
  session: Buffer | undefined;
  /** 1, or more so that a test reaches the end of the ids sooner. */
  firstStreamId: number;
}

/** Reports of a connection to its pool. These calls must not call back into the connection. */
export interface ConnectionOwner {
  /** The peer's first SETTINGS arrived: requests may start. */
  opened(connection: Connection): void;
  /** Room, windows or bytes to flush may have changed: pump soon. */
  wake(): void;
  /** The first answer arrived. */
  proven(): void;
  /** No new request may start on this connection; open ones continue. */
  draining(connection: Connection): void;
  /** The request was provably not processed: send it again. */
  takeBack(exchange: Exchange, connection: number, reason: string): void;
  /** The connection has no open request. `reason`: why it ended. */
  closed(connection: Connection, reason: string): void;
  /** The socket is closed. */
  gone(connection: Connection): void;
  /** The peer sent GOAWAY. */
  wentAway(code: number): void;
  /** An error for the statistics. */
  troubled(reason: string): void;
  /** A TLS session that the next connection may resume. */
  resumable(session: Buffer): void;
}

/** The life of one connection: dialling, open, draining, closed. The session has the protocol. */
export class Connection implements SessionOwner {
  readonly id: number;
  readonly createdAt = performance.now();
  state: 'connecting' | 'open' | 'closed' = 'connecting';
  isDraining = false;
  private readonly session: Session;
  private readonly socket: Socket;
  private readonly out = new FrameWriter((bytes, done) => this.write(bytes, done));
  private readonly liveness: Liveness;
  private timer: NodeJS.Timeout | undefined;
  private isConnected = false;
  /** No byte of the streams from this id on has been given to the socket. */
  private unwrittenFrom: number;
  private socketError: string | undefined;
  private drainReason = '';

  /** Throws the error of `tls.connect` for unreadable credentials. */
  constructor(
    options: ConnectionOptions,
    private readonly owner: ConnectionOwner,
  ) {
    this.id = options.id;
    this.unwrittenFrom = options.firstStreamId;
    this.liveness = new Liveness(this.createdAt, options.pingIntervalMs, options.pingTimeoutMs);
    const encoder = new HpackEncoder(options.target.scheme, options.target.authority, options.neverIndex);
    this.session = new Session(options, this.out, encoder, this);
    this.socket = dial(options.target, options.session, {
      onConnect: (error) => this.onConnect(error),
      onData: (bytes) => this.onData(bytes),
    });
    this.socket.on('error', (error: Error) => (this.socketError = error.message));
    this.socket.on('end', () => this.abort('the peer closed the connection'));
    this.socket.on('close', () => this.onClose());
    this.socket.on('session', (session: Buffer) => owner.resumable(session));
    this.timer = setTimeout(() => this.abort('connect timed out'), options.connectTimeoutMs);
  }

  get inFlight(): number {
    return this.session.inFlight;
  }

  get answered(): number {
    return this.session.answered;
  }

  get isPrimed(): boolean {
    return this.session.isPrimed;
  }

  /** Streams that may be open now. */
  get capacity(): number {
    return this.state === 'open' && !this.isDraining ? this.session.capacity : 0;
  }

  get hasRoom(): boolean {
    return this.state === 'open' && !this.isDraining && this.session.hasRoom;
  }

  /** Few stream ids are left: a replacement should be opened. */
  get isNearlyExhausted(): boolean {
    return this.session.nextId > MAX_31_BITS - 2 * RESERVED_STREAMS;
  }

  /** The caller has checked `hasRoom`. */
  start(exchange: Exchange): void {
    this.session.start(exchange);
  }

  /** Writes the gathered bytes. */
  flush(): void {
    if (this.state === 'open') this.session.beforeFlush();
    this.out.flush();
  }

  /** Accepts no new request, and closes when the last stream is settled. */
  drain(reason: string): void {
    if (this.state === 'closed' || this.isDraining) return;
    this.sessionGoesAway(reason);
    this.closeIfDrained();
  }

  /** Checks request time-outs and liveness. */
  tick(now: number): void {
    if (this.state !== 'open') return;
    this.session.expire(now);
    if (this.session.timeoutsInRow >= MAX_TIMEOUTS_IN_A_ROW) {
      return this.abort(`${this.session.timeoutsInRow} requests in a row timed out`, ErrorCode.NO_ERROR);
    }
    const life = this.liveness.check(now, this.session.inFlight > 0);
    if (life === 'dead') return this.abort('no answer to PING');
    if (life === 'ask') this.out.ping(PING_PAYLOAD, false);
    this.closeIfDrained();
  }

  /**
   * Ends the connection now. With a code the peer gets a GOAWAY; requests become ambiguous, or are sent again if they
   * were never written.
   */
  abort(reason: string, code?: number): void {
    if (this.state === 'closed') return;
    const why = this.socketError === undefined ? reason : `${reason}: ${this.socketError}`;
    this.state = 'closed';
    this.out.discard();
    this.hangUp(code, reason);
    this.owner.troubled(why);
    this.session.end(this.unwrittenFrom, why);
    this.owner.closed(this, why);
  }

  sessionOpened(): void {
    clearTimeout(this.timer);
    this.state = 'open';
    this.owner.opened(this);
  }

  sessionProven(): void {
    this.owner.proven();
  }

  sessionGoesAway(reason: string): void {
    if (this.isDraining) return;
    this.isDraining = true;
    this.drainReason = reason;
    this.owner.draining(this);
  }

  peerWentAway(code: number): void {
    this.owner.wentAway(code);
  }

  takeBack(exchange: Exchange, reason: string): void {
    this.owner.takeBack(exchange, this.id, reason);
  }

  troubled(reason: string): void {
    this.owner.troubled(reason);
  }

  private onConnect(error: string | undefined): void {
    if (this.state === 'closed') return;
    if (error !== undefined) return this.abort(error);
    this.isConnected = true;
    this.session.begin();
    this.out.flush();
  }

  private onData(chunk: Buffer): void {
    if (this.state === 'closed') return;
    this.liveness.hear();
    try {
      this.session.receive(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      return this.abort(error.message, error.code);
    }
    this.closeIfDrained();
    this.owner.wake();
  }

  private onClose(): void {
    clearTimeout(this.timer);
    this.abort(this.isConnected ? 'connection lost' : 'cannot connect');
    this.owner.gone(this);
  }

  private write(bytes: Buffer, done: () => void): void {
    this.unwrittenFrom = this.session.nextId;
    this.socket.write(bytes, () => {
      done();
      this.owner.wake();
    });
  }

  private closeIfDrained(): void {
    if (!this.isDraining || this.session.inFlight > 0 || this.state === 'closed') return;
    this.state = 'closed';
    this.hangUp(ErrorCode.NO_ERROR, this.drainReason);
    this.owner.closed(this, this.drainReason);
  }

  private hangUp(code: number | undefined, reason: string): void {
    clearTimeout(this.timer);
    if (code === undefined || !this.isConnected) {
      this.socket.destroy();
      return;
    }
    this.out.goAway(code, reason);
    this.out.flush();
    this.socket.destroySoon();
    this.timer = setTimeout(() => this.socket.destroy(), LINGER_MS);
  }
}
