import type { Socket } from 'node:net';
import { dial, type Target } from './dial.js';
import type { Exchange } from './exchange.js';
import { ConnectionError, ErrorCode, Flag, FrameType, MAX_31_BITS, PREFACE, StreamError, errorName } from './frames.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { readGoAway } from './goaway.js';
import { HpackEncoder } from './hpack-encoder.js';
import { RequestWriter } from './request-writer.js';
import { ResponseReader } from './response-reader.js';
import { CLIENT_SETTINGS } from './settings.js';

/** After a goodbye the socket gets this long to take it before it is destroyed. */
const LINGER_MS = 1000;

/** So many requests timing out with no answer between them condemn a connection, even if it still answers PING. */
const MAX_TIMEOUTS_IN_A_ROW = 8;

/**
 * Frames that bring no answer further (PING, SETTINGS, WINDOW_UPDATE, RST_STREAM of closed streams, empty DATA, …).
 * The count starts anew every ten seconds, and each answer pays for four; a peer beyond it floods us.
 */
const MAX_NOISE_FRAMES = 10_000;
const NOISE_WINDOW_MS = 10_000;

/** Streams we reset whose late frames are still ignored; a later frame than that is an error of the peer. */
const MAX_IGNORED_STREAMS = 4096;

/** An idle connection is asked for a sign of life this often. */
const IDLE_PING_MS = 3_600_000;

const PING_PAYLOAD = Buffer.from('carillon', 'latin1');

export interface ConnectionOptions {
  id: number;
  target: Target;
  neverIndex: ReadonlySet<string>;
  primer: boolean;
  connectTimeoutMs: number;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  /** TLS session to resume. */
  session: Buffer | undefined;
  /** 1, or more to come to the end of the ids sooner. */
  firstStreamId: number;
}

/** What a connection tells its pool. None of these calls may call back into the connection. */
export interface ConnectionOwner {
  /** The peer's first SETTINGS came: requests may start. */
  opened(connection: Connection): void;
  /** Room, windows or bytes to flush may have changed: pump soon. */
  wake(): void;
  /** The first answer came. */
  proven(): void;
  /** No new request may start here; those under way go on. */
  draining(connection: Connection, reason: string): void;
  /** Provably not processed: take it back. */
  takeBack(exchange: Exchange, connection: number, reason: string): void;
  /** Nothing is left on it. `reason` says why it ended. */
  closed(connection: Connection, reason: string): void;
  /** The socket is gone as well. */
  gone(connection: Connection): void;
  /** Something went wrong that is worth showing. */
  troubled(reason: string): void;
  resumable(session: Buffer): void;
}

/** One HTTP/2 connection: its life, its control frames, and the streams on it (RFC 9113). */
export class Connection {
  readonly id: number;
  readonly createdAt = performance.now();
  /** Requests answered here. */
  answered = 0;
  state: 'connecting' | 'open' | 'closed' = 'connecting';
  isDraining = false;
  private readonly streams = new Map<number, Exchange>();
  private readonly socket: Socket;
  private readonly out: FrameWriter;
  private readonly requests: RequestWriter;
  private readonly responses: ResponseReader;
  private readonly reader = new FrameReader((...frame) => this.onFrame(...frame));
  private timer: NodeJS.Timeout | undefined;
  /** False while the first request of a connection with a primer is unanswered. */
  isPrimed: boolean;
  private connected = false;
  private settingsAcked = false;
  /** Requests from this id on have no byte in the socket yet. */
  private flushedBelow: number;
  private readonly ignored = new Set<number>();
  private lastGoAwayId = MAX_31_BITS;
  private noise = 0;
  private noiseSince = performance.now();
  private timeoutsInRow = 0;
  /** No stream times out before this; a lower bound. */
  private nextExpiry = Infinity;
  private heard = false;
  private lastHeard = performance.now();
  private pingSentAt = 0;
  private socketError: string | undefined;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly owner: ConnectionOwner,
  ) {
    this.id = options.id;
    this.isPrimed = !options.primer;
    this.flushedBelow = options.firstStreamId;
    this.out = new FrameWriter((bytes, done) => this.write(bytes, done));
    const encoder = new HpackEncoder(options.target.scheme, options.target.authority, options.neverIndex);
    this.requests = new RequestWriter(this.out, encoder, options.firstStreamId);
    this.responses = new ResponseReader(this.out);
    this.socket = dial(options.target, options.session, (error) => this.onConnect(error));
    this.socket.on('data', (chunk: Buffer) => this.onData(chunk));
    this.socket.on('error', (error: Error) => (this.socketError = error.message));
    this.socket.on('end', () => this.abort('the peer closed the connection'));
    this.socket.on('close', () => this.onClose());
    this.socket.on('session', (session: Buffer) => owner.resumable(session));
    this.timer = setTimeout(() => this.abort('connect timed out'), options.connectTimeoutMs);
  }

  get inFlight(): number {
    return this.streams.size;
  }

  /** Streams that may be open at this moment. */
  get capacity(): number {
    if (this.state !== 'open' || this.isDraining) return 0;
    const allowed = this.requests.peer.maxConcurrentStreams;
    return this.isPrimed ? allowed : Math.min(1, allowed);
  }

  get hasRoom(): boolean {
    return this.streams.size < this.capacity && this.requests.ready;
  }

  /** Too few stream ids are left to go on for long: a replacement should be opened. */
  get nearlyExhausted(): boolean {
    return this.requests.nextId > MAX_31_BITS - 1_000_000;
  }

  /** The caller has looked at `hasRoom`. */
  start(exchange: Exchange): void {
    this.streams.set(this.requests.nextId, exchange);
    if (exchange.deadline < this.nextExpiry) this.nextExpiry = exchange.deadline;
    this.requests.start(exchange);
  }

  flush(): void {
    if (this.state === 'open' && this.requests.ready) this.requests.resume();
    this.out.flush();
  }

  /** Takes no new request, and closes when the last stream is settled. */
  drain(reason: string): void {
    if (this.state === 'closed' || this.isDraining) return;
    this.isDraining = true;
    this.owner.draining(this, reason);
    this.closeIfDrained(reason);
  }

  /** Looks at the clock: request time-outs, liveness, patience for the peer's SETTINGS acknowledgement. */
  tick(now: number): void {
    if (this.state !== 'open') return;
    if (now - this.noiseSince >= NOISE_WINDOW_MS) {
      this.noise = 0;
      this.noiseSince = now;
    }
    if (now >= this.nextExpiry) this.expire(now);
    this.checkLiveness(now);
    this.out.flush();
  }

  /** Ends it now. With a code the peer is told why; requests on it are ambiguous, or taken back if never written. */
  abort(reason: string, code?: number): void {
    if (this.state === 'closed') return;
    const why = this.socketError === undefined ? reason : `${reason}: ${this.socketError}`;
    this.state = 'closed';
    this.owner.troubled(why);
    this.out.discard();
    this.hangUp(code === undefined ? undefined : { code, reason });
    for (const exchange of this.newestFirst()) {
      if (exchange.id >= this.flushedBelow) this.owner.takeBack(exchange, this.id, why);
      else exchange.leaveAmbiguous(why);
    }
    this.streams.clear();
    this.owner.closed(this, why);
  }

  private onConnect(error: string | undefined): void {
    if (this.state === 'closed') return;
    if (error !== undefined) return this.abort(error);
    this.connected = true;
    this.out.reserve(PREFACE.length);
    this.out.raw(PREFACE);
    this.out.settings(CLIENT_SETTINGS);
    this.responses.widenConnectionWindow();
    this.out.flush();
  }

  private onData(chunk: Buffer): void {
    if (this.state === 'closed') return;
    this.heard = true;
    try {
      this.reader.push(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      return this.abort(error.message, error.code);
    }
    this.owner.wake();
  }

  private onClose(): void {
    clearTimeout(this.timer);
    this.abort('connection lost');
    this.owner.gone(this);
  }

  private write(bytes: Buffer, done: () => void): void {
    this.flushedBelow = this.requests.nextId;
    this.socket.write(bytes, () => {
      done();
      this.owner.wake();
    });
  }

  private onFrame(type: number, flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    if (this.state !== 'open' && this.isUnexpectedStart(type, flags)) {
      if (this.state === 'closed') return;
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'the peer did not begin with SETTINGS: it speaks no HTTP/2');
    }
    const continues = this.responses.continues;
    if (continues !== 0 && (type !== FrameType.CONTINUATION || id !== continues)) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `frame of type ${type} inside a field block`);
    }
    try {
      this.dispatch(type, flags, id, bytes, at, end);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      const exchange = this.streams.get(id);
      if (exchange !== undefined) this.reset(exchange, error.code, error.message);
    }
  }

  private isUnexpectedStart(type: number, flags: number): boolean {
    return this.state === 'closed' || type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0;
  }

  private dispatch(type: number, flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    switch (type) {
      case FrameType.HEADERS: {
        const exchange = this.find(id, 'HEADERS', true);
        if (this.responses.headers(exchange, id, flags, bytes, at, end)) this.finish(exchange!);
        return;
      }
      case FrameType.DATA: {
        const exchange = this.find(id, 'DATA', true);
        if (at === end && (flags & Flag.END_STREAM) === 0) this.countNoise('empty DATA');
        if (this.responses.data(exchange, flags, bytes, at, end)) this.finish(exchange!);
        return;
      }
      case FrameType.CONTINUATION: {
        if (this.responses.continues === 0) {
          throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'CONTINUATION without a field block');
        }
        if (at === end) this.countNoise('empty CONTINUATION');
        const exchange = this.streams.get(id);
        if (this.responses.continuation(exchange, flags, bytes, at, end)) this.finish(exchange!);
        return;
      }
      case FrameType.PUSH_PROMISE:
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'PUSH_PROMISE although push is off');
      default:
        this.control(type, flags, id, bytes, at, end);
    }
  }

  private control(type: number, flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    this.countNoise(`frames of type ${type}`);
    checkShape(type, id, end - at);
    switch (type) {
      case FrameType.WINDOW_UPDATE: {
        const increment = bytes.readUInt32BE(at) & MAX_31_BITS;
        if (id === 0) return this.requests.growConnectionWindow(increment);
        const exchange = this.find(id, 'WINDOW_UPDATE', false);
        if (exchange !== undefined) this.requests.growStreamWindow(exchange, increment);
        return;
      }
      case FrameType.RST_STREAM: {
        const exchange = this.find(id, 'RST_STREAM', false);
        if (exchange !== undefined) this.onReset(exchange, bytes.readUInt32BE(at));
        return;
      }
      case FrameType.SETTINGS:
        return (flags & Flag.ACK) !== 0 ? this.onSettingsAck(end - at) : this.onSettings(bytes, at, end);
      case FrameType.PING:
        if ((flags & Flag.ACK) === 0) this.out.ping(bytes.subarray(at, end), true);
        return;
      case FrameType.GOAWAY:
        return this.onGoAway(bytes, at, end);
      default: // PRIORITY and unknown types mean nothing to a client (RFC 9113 §5.5).
    }
  }

  /**
   * The exchange of a stream. Undefined for a closed one whose late frames are in order; `strict` says that the frame
   * may only come late after we reset the stream (RFC 9113 §5.1, "closed").
   */
  private find(id: number, what: string, strict: boolean): Exchange | undefined {
    const exchange = this.streams.get(id);
    if (exchange !== undefined) return exchange;
    if (id % 2 === 0 || id >= this.requests.nextId) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `${what} on stream ${id}, which was never opened`);
    }
    if (!strict) return undefined;
    this.countNoise(`${what} of closed streams`);
    if (this.ignored.has(id) || id > this.lastGoAwayId) return undefined;
    throw new ConnectionError(ErrorCode.STREAM_CLOSED, `${what} on stream ${id}, which has ended`);
  }

  private onSettings(bytes: Buffer, at: number, end: number): void {
    this.requests.applySettings(this.streams.values(), bytes, at, end);
    this.out.settingsAck();
    if (this.state !== 'connecting') return;
    clearTimeout(this.timer);
    this.state = 'open';
    this.owner.opened(this);
  }

  private onSettingsAck(length: number): void {
    if (length !== 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'SETTINGS acknowledgement with a payload');
    if (this.settingsAcked) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'SETTINGS acknowledged twice');
    this.settingsAcked = true;
    this.responses.settingsAcknowledged();
  }

  private onReset(exchange: Exchange, code: number): void {
    this.release(exchange);
    const reason = `the peer reset the stream: ${errorName(code)}`;
    if (code === ErrorCode.REFUSED_STREAM) this.owner.takeBack(exchange, this.id, reason);
    else exchange.leaveAmbiguous(reason);
    this.closeIfDrained(reason);
  }

  /** Streams above the last id were not processed, in whatever state they are (RFC 9113 §6.8). */
  private onGoAway(bytes: Buffer, at: number, end: number): void {
    const { lastId, reason } = readGoAway(bytes, at, end);
    if (lastId > this.lastGoAwayId) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'GOAWAY raised its last id');
    this.lastGoAwayId = lastId;
    this.owner.troubled(reason);
    for (const exchange of this.newestFirst()) {
      if (exchange.id <= lastId) continue;
      this.release(exchange);
      this.owner.takeBack(exchange, this.id, reason);
    }
    if (!this.isDraining) this.drain(reason);
    else this.closeIfDrained(reason);
  }

  private finish(exchange: Exchange): void {
    this.timeoutsInRow = 0;
    this.noise = Math.max(0, this.noise - 4);
    this.isPrimed = true;
    if (this.answered++ === 0) this.owner.proven();
    const half = this.release(exchange);
    exchange.answer(exchange.head!, this.id);
    // Answered before the body was written: the rest of it is not wanted (RFC 9113 §8.1).
    if (half) this.resetStream(exchange.id, ErrorCode.CANCEL);
    if (this.isDraining) this.closeIfDrained('drained');
  }

  /** Gives one stream up and tells the peer. */
  private reset(exchange: Exchange, code: number, reason: string): void {
    this.release(exchange);
    this.resetStream(exchange.id, code);
    this.owner.troubled(reason);
    exchange.leaveAmbiguous(reason);
    this.closeIfDrained(reason);
  }

  private resetStream(id: number, code: number): void {
    this.out.resetStream(id, code);
    this.ignored.add(id);
    if (this.ignored.size > MAX_IGNORED_STREAMS) this.ignored.delete(this.ignored.values().next().value!);
  }

  /** True when its body was not wholly written. */
  private release(exchange: Exchange): boolean {
    this.streams.delete(exchange.id);
    return this.requests.abandon(exchange);
  }

  private expire(now: number): void {
    this.nextExpiry = Infinity;
    for (const exchange of this.streams.values()) {
      if (exchange.deadline > now) {
        this.nextExpiry = Math.min(this.nextExpiry, exchange.deadline);
        continue;
      }
      this.timeoutsInRow++;
      this.reset(exchange, ErrorCode.CANCEL, `no answer within ${exchange.timeoutMs} ms`);
    }
    if (this.timeoutsInRow >= MAX_TIMEOUTS_IN_A_ROW) {
      this.abort(`${this.timeoutsInRow} requests in a row timed out`, ErrorCode.NO_ERROR);
    }
  }

  private checkLiveness(now: number): void {
    if (this.heard) {
      this.heard = false;
      this.lastHeard = now;
      this.pingSentAt = 0;
    }
    if (this.pingSentAt > 0) {
      if (now - this.pingSentAt >= this.options.pingTimeoutMs) this.abort('no answer to PING');
      return;
    }
    const patience = this.streams.size > 0 ? this.options.pingIntervalMs : IDLE_PING_MS;
    if (now - this.lastHeard < patience) return;
    this.pingSentAt = now;
    this.out.ping(PING_PAYLOAD, false);
  }

  /** The order in which to take back: each goes before all that wait. */
  private newestFirst(): Exchange[] {
    return [...this.streams.values()].reverse();
  }

  private countNoise(what: string): void {
    if (++this.noise > MAX_NOISE_FRAMES) throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, `flood of ${what}`);
  }

  private closeIfDrained(reason: string): void {
    if (!this.isDraining || this.streams.size > 0 || this.state === 'closed') return;
    this.state = 'closed';
    this.hangUp({ code: ErrorCode.NO_ERROR, reason });
    this.owner.closed(this, reason);
  }

  private hangUp(goodbye: { code: number; reason: string } | undefined): void {
    clearTimeout(this.timer);
    if (goodbye === undefined || !this.connected) {
      this.socket.destroy();
      return;
    }
    this.out.goAway(goodbye.code, goodbye.reason);
    this.out.flush();
    this.socket.destroySoon();
    this.timer = setTimeout(() => this.socket.destroy(), LINGER_MS);
  }
}

const FIXED_LENGTHS: ReadonlyMap<number, number> = new Map([
  [FrameType.PRIORITY, 5],
  [FrameType.RST_STREAM, 4],
  [FrameType.PING, 8],
  [FrameType.WINDOW_UPDATE, 4],
]);

/** Length and stream of control frames (RFC 9113 §6): the wrong ones end the connection. */
function checkShape(type: number, id: number, length: number): void {
  const expected = FIXED_LENGTHS.get(type);
  if (expected !== undefined && length !== expected) {
    throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `frame of type ${type} with ${length} bytes`);
  }
  const onConnection = type === FrameType.SETTINGS || type === FrameType.PING || type === FrameType.GOAWAY;
  const onStream = type === FrameType.PRIORITY || type === FrameType.RST_STREAM;
  if ((onConnection && id !== 0) || (onStream && id === 0)) {
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `frame of type ${type} on stream ${id}`);
  }
}
