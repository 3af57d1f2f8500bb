import type { Exchange } from './exchange.js';
import { ConnectionError, ErrorCode, Flag, INITIAL_WINDOW_BYTES, StreamError } from './frames.js';
import type { FrameWriter } from './frame-writer.js';
import { HpackDecoder } from './hpack-decoder.js';
import { HeadCache } from './head-cache.js';
import { checkTrailers, lengthMatches, readHead, type ResponseHead } from './response-head.js';
import { MAX_HEADER_LIST_BYTES } from './peer-settings.js';

/**
 * The limit of one answer's body. Push services answer with hundreds of octets; a proxy's error page has a few
 * thousand.
 */
const MAX_BODY_BYTES = 1_048_576;

/** The limit of one encoded field block with its CONTINUATION frames: the limit of the decoded list. */
const MAX_BLOCK_BYTES = MAX_HEADER_LIST_BYTES;

/** The connection's receive window, large enough for many small answers. */
const CONNECTION_WINDOW_BYTES = 16_777_216;

/** The limit of 1xx heads before an answer; services send at most two. */
const MAX_INFORMATIONAL = 16;

/** A field block that waits for its CONTINUATION frames. */
interface OpenBlock {
  id: number;
  endStream: boolean;
  parts: Buffer[];
  bytes: number;
}

/** Assembles answers from HEADERS, CONTINUATION and DATA, and replenishes the receive windows. */
export class ResponseReader {
  private readonly decoder = new HpackDecoder(MAX_HEADER_LIST_BYTES);
  private readonly cache = new HeadCache();
  private open: OpenBlock | undefined;
  /** Octets of DATA since the connection's window was last replenished. */
  private unacknowledged = 0;
  /** Streams with a half-used window. */
  private readonly owed = new Set<Exchange>();

  constructor(private readonly out: FrameWriter) {}

  /** The stream that must be continued before any other frame (RFC 9113 §6.2); 0 if none. */
  get continues(): number {
    return this.open?.id ?? 0;
  }

  /** Written once, after our SETTINGS. */
  widenConnectionWindow(): void {
    this.out.windowUpdate(0, CONNECTION_WINDOW_BYTES - INITIAL_WINDOW_BYTES);
  }

  /** The peer acknowledged our SETTINGS: it no longer uses a header table. */
  settingsAcknowledged(): void {
    this.decoder.lowerLimit(0);
  }

  /**
   * HEADERS. The exchange is undefined for a stream that we gave up: its block is still decoded, to update the table.
   * True if the answer is complete.
   */
  headers(exchange: Exchange | undefined, id: number, flags: number, bytes: Buffer, at: number, end: number): boolean {
    if ((flags & Flag.PADDED) !== 0) end -= padding(bytes, at++, end);
    if ((flags & Flag.PRIORITY) !== 0) at += 5;
    if (at > end) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'padding or priority longer than HEADERS');
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.END_HEADERS) !== 0) return this.block(exchange, endStream, bytes, at, end);
    this.open = { id, endStream, parts: [Buffer.from(bytes.subarray(at, end))], bytes: end - at };
    return false;
  }

  /** CONTINUATION of the open block; true if the answer is complete. */
  continuation(exchange: Exchange | undefined, flags: number, bytes: Buffer, at: number, end: number): boolean {
    const open = this.open!;
    open.parts.push(Buffer.from(bytes.subarray(at, end)));
    open.bytes += end - at;
    if (open.bytes > MAX_BLOCK_BYTES) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, `field block of more than ${MAX_BLOCK_BYTES} bytes`);
    }
    if ((flags & Flag.END_HEADERS) === 0) return false;
    this.open = undefined;
    return this.block(exchange, open.endStream, Buffer.concat(open.parts), 0, open.bytes);
  }

  /**
   * DATA; true if the answer is complete. The whole payload, including padding, counts against the windows (RFC 9113
   * §6.9.1).
   */
  data(exchange: Exchange | undefined, flags: number, bytes: Buffer, at: number, end: number): boolean {
    const endStream = (flags & Flag.END_STREAM) !== 0;
    const size = end - at;
    this.countConnection(size);
    if ((flags & Flag.PADDED) !== 0) end -= padding(bytes, at++, end);
    if (at > end) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'padding longer than DATA');
    if (exchange === undefined) return false;
    if (exchange.head === undefined) throw new StreamError(ErrorCode.PROTOCOL_ERROR, 'DATA before a final status');
    this.countStream(exchange, size, endStream);
    if (exchange.received + end - at > MAX_BODY_BYTES) {
      throw new StreamError(ErrorCode.CANCEL, `answer of more than ${MAX_BODY_BYTES} bytes`);
    }
    if (end > at) exchange.addBody(bytes, at, end);
    return endStream && complete(exchange, exchange.head);
  }

  /**
   * Replenishes half-used windows. Called when bytes are sent, not while they arrive: a peer may use credit only after
   * it received it, and a violation is detected.
   */
  grantWindows(): void {
    if (this.unacknowledged >= CONNECTION_WINDOW_BYTES / 2) {
      this.out.windowUpdate(0, this.unacknowledged);
      this.unacknowledged = 0;
    }
    for (const exchange of this.owed) {
      this.out.windowUpdate(exchange.id, exchange.unacknowledged);
      exchange.unacknowledged = 0;
    }
    this.owed.clear();
  }

  /** Removes an exchange that is settled or uses another connection. */
  abandon(exchange: Exchange): void {
    this.owed.delete(exchange);
  }

  private block(exchange: Exchange | undefined, endStream: boolean, bytes: Buffer, at: number, end: number): boolean {
    if (!this.decoder.stateless) {
      // Until then a block may change the table, so every block has to be decoded, also of lost streams.
      const list = this.decoder.decode(bytes, at, end);
      return exchange !== undefined && this.fields(exchange, endStream, list);
    }
    if (exchange === undefined) return false;
    if (exchange.head !== undefined) return this.fields(exchange, endStream, this.decoder.decode(bytes, at, end));
    let head = this.cache.get(bytes, at, end);
    if (head === undefined) {
      head = readHead(this.decoder.decode(bytes, at, end));
      this.cache.set(bytes, at, end, head);
    }
    return this.finalHead(exchange, endStream, head);
  }

  private fields(exchange: Exchange, endStream: boolean, list: readonly string[]): boolean {
    if (exchange.head === undefined) return this.finalHead(exchange, endStream, readHead(list));
    if (!endStream) throw new StreamError(ErrorCode.PROTOCOL_ERROR, 'trailers that do not end the stream');
    checkTrailers(list);
    return complete(exchange, exchange.head);
  }

  private finalHead(exchange: Exchange, endStream: boolean, head: ResponseHead): boolean {
    if (head.status >= 200) {
      exchange.head = head;
      return endStream && complete(exchange, head);
    }
    if (endStream) throw new StreamError(ErrorCode.PROTOCOL_ERROR, `status ${head.status} ends the stream`);
    if (++exchange.informational > MAX_INFORMATIONAL) {
      throw new StreamError(ErrorCode.ENHANCE_YOUR_CALM, `more than ${MAX_INFORMATIONAL} informational answers`);
    }
    return false;
  }

  private countConnection(size: number): void {
    this.unacknowledged += size;
    if (this.unacknowledged > CONNECTION_WINDOW_BYTES) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'DATA beyond the connection window');
    }
  }

  private countStream(exchange: Exchange, size: number, endStream: boolean): void {
    exchange.unacknowledged += size;
    if (exchange.unacknowledged > INITIAL_WINDOW_BYTES) {
      throw new StreamError(ErrorCode.FLOW_CONTROL_ERROR, 'DATA beyond the stream window');
    }
    if (!endStream && exchange.unacknowledged >= INITIAL_WINDOW_BYTES / 2) this.owed.add(exchange);
  }
}

/** The octet at `at` is the number of padding octets at the end (RFC 9113 §6.1). */
function padding(bytes: Buffer, at: number, end: number): number {
  if (at >= end) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'padded frame without a pad length');
  return bytes[at]!;
}

function complete(exchange: Exchange, head: ResponseHead): true {
  if (lengthMatches(head, exchange.received)) return true;
  const message = `content-length is ${head.length}, the body has ${exchange.received} bytes`;
  throw new StreamError(ErrorCode.PROTOCOL_ERROR, message);
}
