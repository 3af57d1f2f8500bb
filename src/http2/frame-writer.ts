import { ErrorCode, FRAME_HEADER_BYTES, FrameType, Flag } from './frames.js';

/** A slab holds about 200 small requests, or four TLS records. */
const SLAB_BYTES = 65_536;

/** Slabs kept for reuse; more are in use only while the socket is behind. */
const SPARE_SLABS = 4;

/**
 * Gathers frames into slabs and passes each slab to the sink in one write. A slab is reused after `done`, because a
 * socket may still read a buffer after `write` returned.
 */
export class FrameWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** The position of the next byte. */
  at = 0;
  /** Bytes that the sink has not finished writing; the measure of back-pressure. */
  pending = 0;
  private readonly spare: Buffer[] = [];

  /** `sink` writes the bytes and calls `done` when it no longer needs them. */
  constructor(private readonly sink: (bytes: Buffer, done: () => void) => void) {}

  /** Reserves `size` contiguous bytes; flushes first if the slab has too little room. */
  reserve(size: number): void {
    if (this.at + size <= this.bytes.length) return;
    this.flush();
    if (size > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Passes all gathered bytes to the sink. */
  flush(): void {
    if (this.at === 0) return;
    const slab = this.bytes;
    const size = this.at;
    this.bytes = this.spare.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.at = 0;
    this.pending += size;
    this.sink(slab.subarray(0, size), () => {
      this.pending -= size;
      if (slab.length === SLAB_BYTES && this.spare.length < SPARE_SLABS) this.spare.push(slab);
    });
  }

  /** Drops the bytes that were gathered and not passed to the sink. */
  discard(): void {
    this.at = 0;
  }

  /** The caller has reserved the room. */
  frameHeader(length: number, type: number, flags: number, id: number): void {
    this.at = writeFrameHeader(this.bytes, this.at, length, type, flags, id);
  }

  data(id: number, body: Uint8Array, endStream: boolean): void {
    this.reserve(FRAME_HEADER_BYTES + body.length);
    this.frameHeader(body.length, FrameType.DATA, endStream ? Flag.END_STREAM : 0, id);
    this.raw(body);
  }

  resetStream(id: number, code: number): void {
    this.reserve(FRAME_HEADER_BYTES + 4);
    this.frameHeader(4, FrameType.RST_STREAM, 0, id);
    this.at = this.bytes.writeUInt32BE(code, this.at);
  }

  windowUpdate(id: number, increment: number): void {
    this.reserve(FRAME_HEADER_BYTES + 4);
    this.frameHeader(4, FrameType.WINDOW_UPDATE, 0, id);
    this.at = this.bytes.writeUInt32BE(increment, this.at);
  }

  /** `pairs` are identifier and value (RFC 9113 §6.5.1). */
  settings(pairs: readonly (readonly [number, number])[]): void {
    this.reserve(FRAME_HEADER_BYTES + 6 * pairs.length);
    this.frameHeader(6 * pairs.length, FrameType.SETTINGS, 0, 0);
    for (const [identifier, value] of pairs) {
      this.at = this.bytes.writeUInt16BE(identifier, this.at);
      this.at = this.bytes.writeUInt32BE(value, this.at);
    }
  }

  settingsAck(): void {
    this.reserve(FRAME_HEADER_BYTES);
    this.frameHeader(0, FrameType.SETTINGS, Flag.ACK, 0);
  }

  /** `payload` is 8 bytes. */
  ping(payload: Uint8Array, ack: boolean): void {
    this.reserve(FRAME_HEADER_BYTES + 8);
    this.frameHeader(8, FrameType.PING, ack ? Flag.ACK : 0, 0);
    this.raw(payload);
  }

  /** The last stream id is 0, because a client accepts no streams of the server. */
  goAway(code: number, reason: string): void {
    const debug = Buffer.from(code === ErrorCode.NO_ERROR ? '' : reason.slice(0, 200), 'latin1');
    this.reserve(FRAME_HEADER_BYTES + 8 + debug.length);
    this.frameHeader(8 + debug.length, FrameType.GOAWAY, 0, 0);
    this.at = this.bytes.writeUInt32BE(0, this.at);
    this.at = this.bytes.writeUInt32BE(code, this.at);
    this.raw(debug);
  }

  /** The caller has reserved the room. */
  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }
}

/** Writes nine bytes at `at` and returns the position after them. */
export function writeFrameHeader(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  id: number,
): number {
  bytes[at] = length >> 16;
  bytes[at + 1] = length >> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes[at + 5] = id >> 24;
  bytes[at + 6] = id >> 16;
  bytes[at + 7] = id >> 8;
  bytes[at + 8] = id;
  return at + 9;
}
