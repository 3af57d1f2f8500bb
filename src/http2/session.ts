import type { Exchange } from './exchange.js';
import {
  ConnectionError,
  ErrorCode,
  Flag,
  FrameType,
  MAX_31_BITS,
  PREFACE,
  StreamError,
  checkFrameShape,
  errorName,
} from './frames.js';
import { FrameReader } from './frame-reader.js';
import type { FrameWriter } from './frame-writer.js';
import { readGoAway } from './goaway.js';
import type { HpackEncoder } from './hpack-encoder.js';
import { NoiseBudget } from './noise-budget.js';
import { RequestWriter } from './request-writer.js';
import { ResponseReader } from './response-reader.js';
import { CLIENT_SETTINGS } from './peer-settings.js';
import { StreamTable } from './stream-table.js';

/** A WINDOW_UPDATE of less than this counts as noise. */
const MIN_CREDIT_BYTES = 1024;

/** Reports of a session to its connection. These calls must not call back into the session. */
export interface SessionOwner {
  /** The peer's first SETTINGS arrived. */
  sessionOpened(): void;
  /** The first answer arrived. */
  sessionProven(): void;
  /** The peer accepts no new streams. */
  sessionGoesAway(reason: string): void;
  /** The peer sent GOAWAY. */
  peerWentAway(code: number): void;
  /** The request was provably not processed. */
  takeBack(exchange: Exchange, reason: string): void;
  /** One stream failed. */
  troubled(reason: string): void;
}

/**
 * The HTTP/2 protocol of one connection, without its socket: received bytes come by `receive`, bytes to send go to the
 * FrameWriter, requests settle (RFC 9113 §5 and §6).
 */
export class Session {
  readonly id: number;
  isOpen = false;
  /** False until the first request of a connection with a primer is answered. */
  isPrimed: boolean;
  answered = 0;
  /** Requests that timed out since the last answer. */
  timeoutsInRow = 0;
  private readonly streams = new StreamTable();
  private readonly requests: RequestWriter;
  private readonly responses: ResponseReader;
  private readonly noise = new NoiseBudget();
  private readonly reader = new FrameReader((type, flags, id, bytes, at, end) =>
    this.onFrame(type, flags, id, bytes, at, end),
  );
  private isSettingsAcked = false;

  constructor(
    options: { id: number; primer: boolean; firstStreamId: number },
    private readonly out: FrameWriter,
    encoder: HpackEncoder,
    private readonly owner: SessionOwner,
  ) {
    this.id = options.id;
    this.isPrimed = !options.primer;
    this.requests = new RequestWriter(out, encoder, options.firstStreamId);
    this.responses = new ResponseReader(out);
  }

  get inFlight(): number {
    return this.streams.size;
  }

  /** The id of the next stream. */
  get nextId(): number {
    return this.requests.nextId;
  }

  /** Streams that may be open now. */
  get capacity(): number {
    const allowed = this.requests.peer.maxConcurrentStreams;
    return this.isPrimed ? allowed : Math.min(1, allowed);
  }

  get hasRoom(): boolean {
    return this.streams.size < this.capacity && this.requests.ready;
  }

  /** Sends preface, SETTINGS, and a wider window for the connection (RFC 9113 §3.4). */
  begin(): void {
    this.out.reserve(PREFACE.length);
    this.out.raw(PREFACE);
    this.out.settings(CLIENT_SETTINGS);
    this.responses.widenConnectionWindow();
  }

  /** The caller has checked `hasRoom`. */
  start(exchange: Exchange): void {
    this.streams.add(this.requests.nextId, exchange);
    this.requests.start(exchange);
  }

  /** Adds what can be sent besides new requests: receive windows, and bodies that waited for the socket. */
  beforeFlush(): void {
    this.responses.grantWindows();
    if (this.requests.ready) this.requests.resume();
  }

  /** Throws ConnectionError if the peer violated the protocol; call it no more afterwards. */
  receive(chunk: Buffer): void {
    if (!this.isOpen && chunk.toString('latin1', 0, 5) === 'HTTP/') {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'the peer speaks HTTP/1');
    }
    this.reader.push(chunk);
  }

  /** Resets the streams whose deadline has passed. */
  expire(now: number): void {
    this.noise.tick(now);
    for (const exchange of this.streams.expired(now)) {
      this.timeoutsInRow++;
      this.reset(exchange, ErrorCode.CANCEL, `no answer within ${exchange.timeoutMs} ms`);
    }
  }

  /**
   * The connection is lost: streams from `unwrittenFrom` on and half-written ones were not processed, the others are
   * ambiguous.
   */
  end(unwrittenFrom: number, reason: string): void {
    for (const exchange of this.streams.newestFirst()) {
      const isHalfWritten = this.release(exchange) && exchange.head === undefined;
      if (isHalfWritten || exchange.id >= unwrittenFrom) this.owner.takeBack(exchange, reason);
      else exchange.leaveAmbiguous(reason);
    }
  }

  private onFrame(type: number, flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    if (!this.isOpen && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'the peer did not begin with SETTINGS');
    }
    const continues = this.responses.continues;
    if (continues !== 0 && (type !== FrameType.CONTINUATION || id !== continues)) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `frame of type ${type} inside a field block`);
    }
    try {
      if (type === FrameType.HEADERS) this.onHeaders(flags, id, bytes, at, end);
      else if (type === FrameType.DATA) this.onData(flags, id, bytes, at, end);
      else this.onControl(type, flags, id, bytes, at, end);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      const exchange = this.streams.get(id);
      if (exchange !== undefined) this.reset(exchange, error.code, error.message);
    }
  }

  private onHeaders(flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    const exchange = this.streams.get(id) ?? this.lateFrame(id, 'HEADERS');
    if (this.responses.headers(exchange, id, flags, bytes, at, end)) this.finish(exchange!);
  }

  private onData(flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    const exchange = this.streams.get(id) ?? this.lateFrame(id, 'DATA');
    if (at === end && (flags & Flag.END_STREAM) === 0) this.noise.spend('empty DATA');
    if (this.responses.data(exchange, flags, bytes, at, end)) this.finish(exchange!);
  }

  private lateFrame(id: number, what: string): undefined {
    this.streams.checkLate(id, this.requests.nextId, what);
    this.noise.spend('frames of closed streams');
  }

  private onControl(type: number, flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    if (type !== FrameType.WINDOW_UPDATE) this.noise.spend(type);
    checkFrameShape(type, id, end - at);
    switch (type) {
      case FrameType.CONTINUATION:
        return this.onContinuation(flags, id, bytes, at, end);
      case FrameType.WINDOW_UPDATE:
        return this.onWindowUpdate(id, bytes.readUInt32BE(at) & MAX_31_BITS);
      case FrameType.RST_STREAM:
        return this.onReset(id, bytes.readUInt32BE(at));
      case FrameType.SETTINGS:
        return (flags & Flag.ACK) !== 0 ? this.onSettingsAck(end - at) : this.onSettings(bytes, at, end);
      case FrameType.PING:
        if ((flags & Flag.ACK) === 0) this.out.ping(bytes.subarray(at, end), true);
        return;
      case FrameType.GOAWAY:
        return this.onGoAway(bytes, at, end);
      case FrameType.PUSH_PROMISE:
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'PUSH_PROMISE although push is off');
      default: // A client ignores PRIORITY and unknown types (RFC 9113 §5.5).
    }
  }

  private onContinuation(flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    if (this.responses.continues === 0) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'CONTINUATION without a field block');
    }
    const exchange = this.streams.get(id);
    if (this.responses.continuation(exchange, flags, bytes, at, end)) this.finish(exchange!);
  }

  private onWindowUpdate(id: number, increment: number): void {
    // Real credit cannot flood us: windows are limited to 2^31-1.
    if (increment < MIN_CREDIT_BYTES) this.noise.spend(FrameType.WINDOW_UPDATE);
    if (id === 0) return this.requests.growConnectionWindow(increment);
    const exchange = this.streams.get(id);
    if (exchange === undefined) this.streams.checkUsed(id, this.requests.nextId, 'WINDOW_UPDATE');
    else this.requests.growStreamWindow(exchange, increment);
  }

  private onReset(id: number, code: number): void {
    const exchange = this.streams.get(id);
    if (exchange === undefined) return this.streams.checkUsed(id, this.requests.nextId, 'RST_STREAM');
    this.release(exchange);
    const reason = `the peer reset the stream: ${errorName(code)}`;
    if (code === ErrorCode.REFUSED_STREAM) this.owner.takeBack(exchange, reason);
    else exchange.leaveAmbiguous(reason);
    this.owner.troubled(reason);
  }

  private onSettings(bytes: Buffer, at: number, end: number): void {
    this.requests.applySettings(this.streams.values(), bytes, at, end);
    this.out.settingsAck();
    if (this.isOpen) return;
    this.isOpen = true;
    this.owner.sessionOpened();
  }

  private onSettingsAck(length: number): void {
    if (length !== 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'SETTINGS acknowledgement with a payload');
    if (this.isSettingsAcked) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'SETTINGS acknowledged twice');
    this.isSettingsAcked = true;
    this.responses.settingsAcknowledged();
  }

  /** Streams above the last id were not processed, in any state (RFC 9113 §6.8). */
  private onGoAway(bytes: Buffer, at: number, end: number): void {
    const { lastId, code, reason } = readGoAway(bytes, at, end);
    this.owner.peerWentAway(code);
    if (lastId > this.streams.lastProcessed) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'GOAWAY raised its last id');
    }
    this.streams.lastProcessed = lastId;
    this.owner.troubled(reason);
    for (const exchange of this.streams.newestFirst()) {
      if (exchange.id <= lastId) break;
      this.release(exchange);
      this.owner.takeBack(exchange, reason);
    }
    this.owner.sessionGoesAway(reason);
  }

  private finish(exchange: Exchange): void {
    this.timeoutsInRow = 0;
    this.isPrimed = true;
    this.noise.answered();
    if (this.answered++ === 0) this.owner.sessionProven();
    const isBodyPending = this.release(exchange);
    exchange.answer(exchange.head!, this.id);
    // The answer came before the whole body was written: the peer does not want the rest (RFC 9113 §8.1).
    if (isBodyPending) this.resetStream(exchange.id, ErrorCode.CANCEL);
  }

  /** Gives up one stream and resets it. */
  private reset(exchange: Exchange, code: number, reason: string): void {
    const isHalfWritten = this.release(exchange) && exchange.head === undefined;
    this.resetStream(exchange.id, code);
    this.owner.troubled(reason);
    // A request without its end is malformed (RFC 9113 §8.1.1), so the peer cannot have processed it.
    if (isHalfWritten) exchange.refuse(reason);
    else exchange.leaveAmbiguous(reason);
  }

  private resetStream(id: number, code: number): void {
    this.out.resetStream(id, code);
    this.streams.forgive(id);
  }

  /** True if its body was not completely written. */
  private release(exchange: Exchange): boolean {
    this.streams.delete(exchange.id);
    this.responses.abandon(exchange);
    return this.requests.abandon(exchange);
  }
}
