import type { Exchange } from './exchange.js';
import {
  ConnectionError,
  ErrorCode,
  FRAME_HEADER_BYTES,
  Flag,
  FrameType,
  INITIAL_WINDOW_BYTES,
  MAX_31_BITS,
  MAX_FRAME_BYTES,
  StreamError,
} from './frames.js';
import { writeFrameHeader, type FrameWriter } from './frame-writer.js';
import type { HpackEncoder } from './hpack-encoder.js';
import { PeerSettings } from './peer-settings.js';

/**
 * The limit of unsent octets in the socket; beyond it requests wait in the queue, where they can still use another
 * connection.
 */
const MAX_PENDING_BYTES = 262_144;

/**
 * Writes exchanges as HEADERS and DATA within the peer's windows (RFC 9113 §5.2 and §6.9). Frames have at most 16,384
 * octets, which every peer accepts: larger ones bring small requests nothing.
 */
export class RequestWriter {
  readonly peer = new PeerSettings();
  /** Octets of body that the whole connection may still send. */
  private window = INITIAL_WINDOW_BYTES;
  /** Exchanges with an incompletely written body. */
  private readonly stalled = new Set<Exchange>();

  /** @param nextId the id of the next stream: odd, 1 on a new connection */
  constructor(
    private readonly out: FrameWriter,
    private readonly encoder: HpackEncoder,
    public nextId: number,
  ) {}

  /** False if another request would have to wait: the socket is behind, or the window or the ids are used up. */
  get ready(): boolean {
    return this.window > 0 && this.out.pending < MAX_PENDING_BYTES && this.nextId <= MAX_31_BITS;
  }

  /** Opens a stream and writes as much of the request as the windows allow. */
  start(exchange: Exchange): void {
    const { request } = exchange;
    const bodyBytes = request.body.length;
    exchange.id = this.nextId;
    exchange.sendWindow = this.peer.initialWindow;
    this.nextId += 2;
    // One reservation for both frames keeps a small request in one slab.
    this.out.reserve(2 * FRAME_HEADER_BYTES + this.encoder.bound(request) + Math.min(bodyBytes, 8192));
    const start = this.out.at;
    const blockStart = start + FRAME_HEADER_BYTES;
    const end = this.encoder.encode(request, this.out.bytes, blockStart);
    const flags = bodyBytes === 0 ? Flag.END_STREAM : 0;
    if (end - blockStart > MAX_FRAME_BYTES) {
      this.writeLongBlock(exchange.id, flags, Buffer.from(this.out.bytes.subarray(blockStart, end)));
    } else {
      const type = FrameType.HEADERS;
      writeFrameHeader(this.out.bytes, start, end - blockStart, type, flags | Flag.END_HEADERS, exchange.id);
      this.out.at = end;
    }
    if (bodyBytes > 0) this.writeBody(exchange);
  }

  /** Removes an exchange that is settled or uses another connection; true if its body was not completely written. */
  abandon(exchange: Exchange): boolean {
    return this.stalled.delete(exchange);
  }

  /** Continues bodies that waited for a window or the socket; called before bytes are flushed. */
  resume(): void {
    for (const exchange of this.stalled) {
      if (!this.ready) return;
      this.writeBody(exchange);
    }
  }

  /** The peer's SETTINGS: a new initial window also moves the windows of open streams (RFC 9113 §6.9.2). */
  applySettings(open: Iterable<Exchange>, bytes: Buffer, at: number, end: number): void {
    const before = this.peer.initialWindow;
    this.peer.read(bytes, at, end);
    this.encoder.resize(this.peer.headerTableSize);
    const change = this.peer.initialWindow - before;
    if (change === 0) return;
    for (const exchange of open) {
      exchange.sendWindow += change;
      if (exchange.sendWindow > MAX_31_BITS) {
        throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'INITIAL_WINDOW_SIZE overflows the window of a stream');
      }
    }
  }

  growConnectionWindow(increment: number): void {
    if (increment === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0');
    this.window += increment;
    if (this.window > MAX_31_BITS)
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'connection window overflow');
  }

  growStreamWindow(exchange: Exchange, increment: number): void {
    if (increment === 0) throw new StreamError(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0');
    exchange.sendWindow += increment;
    if (exchange.sendWindow > MAX_31_BITS)
      throw new StreamError(ErrorCode.FLOW_CONTROL_ERROR, 'stream window overflow');
  }

  private writeBody(exchange: Exchange): void {
    const { body } = exchange.request;
    while (exchange.sent < body.length) {
      const left = body.length - exchange.sent;
      const size = Math.min(left, this.window, exchange.sendWindow, MAX_FRAME_BYTES);
      if (size <= 0 || this.out.pending >= MAX_PENDING_BYTES) {
        this.stalled.add(exchange);
        return;
      }
      const part = size === body.length ? body : body.subarray(exchange.sent, exchange.sent + size);
      this.out.data(exchange.id, part, size === left);
      this.window -= size;
      exchange.sendWindow -= size;
      exchange.sent += size;
    }
    this.stalled.delete(exchange);
  }

  /** A block of more than 16,384 octets continues in CONTINUATION frames (RFC 9113 §6.10). */
  private writeLongBlock(id: number, flags: number, block: Buffer): void {
    const most = MAX_FRAME_BYTES;
    for (let at = 0; at < block.length; at += most) {
      const part = block.subarray(at, at + most);
      const last = at + most >= block.length ? Flag.END_HEADERS : 0;
      this.out.reserve(FRAME_HEADER_BYTES + part.length);
      const [type, first] = at === 0 ? [FrameType.HEADERS, flags] : [FrameType.CONTINUATION, 0];
      this.out.frameHeader(part.length, type, first | last, id);
      this.out.raw(part);
    }
  }
}
