import { ConnectionError, ErrorCode, FRAME_HEADER_BYTES, MAX_FRAME_BYTES } from './frames.js';

/** Called once per complete frame; the payload is `bytes[at, end)` and valid only during the call. */
export type FrameHandler = (type: number, flags: number, id: number, bytes: Buffer, at: number, end: number) => void;

/**
 * Splits a byte stream into frames. Chunks are parsed in place; only a frame that spans two chunks is copied, into one
 * fixed buffer, so that a peer that sends single bytes costs no more.
 */
export class FrameReader {
  private readonly partial = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + MAX_FRAME_BYTES);
  private have = 0;

  constructor(private readonly onFrame: FrameHandler) {}

  /** Throws ConnectionError (FRAME_SIZE_ERROR, RFC 9113 §4.2) and the errors of the handler. */
  push(chunk: Buffer): void {
    let at = this.have > 0 ? this.finishPartial(chunk) : 0;
    while (chunk.length - at >= FRAME_HEADER_BYTES) {
      const end = at + FRAME_HEADER_BYTES + payloadLength(chunk, at);
      if (end > chunk.length) break;
      this.emit(chunk, at, end);
      at = end;
    }
    if (at < chunk.length) this.have += chunk.copy(this.partial, this.have, at);
  }

  /** Returns the number of bytes of the chunk that belong to the frame begun earlier. */
  private finishPartial(chunk: Buffer): number {
    let at = this.fillPartial(chunk, 0, FRAME_HEADER_BYTES);
    if (this.have < FRAME_HEADER_BYTES) return at;
    const size = FRAME_HEADER_BYTES + payloadLength(this.partial, 0);
    at = this.fillPartial(chunk, at, size);
    if (this.have < size) return at;
    this.have = 0;
    this.emit(this.partial, 0, size);
    return at;
  }

  private fillPartial(chunk: Buffer, at: number, size: number): number {
    const missing = size - this.have;
    if (missing <= 0) return at;
    const copied = chunk.copy(this.partial, this.have, at, at + missing);
    this.have += copied;
    return at + copied;
  }

  private emit(bytes: Buffer, at: number, end: number): void {
    // The top bit of the id is reserved and ignored (RFC 9113 §4.1).
    const id = ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
    this.onFrame(bytes[at + 3]!, bytes[at + 4]!, id, bytes, at + FRAME_HEADER_BYTES, end);
  }
}

function payloadLength(bytes: Buffer, at: number): number {
  const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  if (length > MAX_FRAME_BYTES) {
    throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `frame of ${length} bytes, ${MAX_FRAME_BYTES} allowed`);
  }
  return length;
}
