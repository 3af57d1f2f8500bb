import type { ResponseHead } from './response-head.js';

const SLOTS = 16;
const SLOT_BYTES = 512;

/**
 * Caches heads by their bytes. Most services repeat the same head for a second or longer (only `date` changes). Without
 * a header table equal bytes mean equal heads, so that a comparison replaces the decoding.
 */
export class HeadCache {
  private readonly bytes = Buffer.allocUnsafeSlow(SLOTS * SLOT_BYTES);
  private readonly lengths = new Uint16Array(SLOTS);
  private readonly heads: (ResponseHead | undefined)[] = Array.from({ length: SLOTS }, () => undefined);

  get(bytes: Buffer, at: number, end: number): ResponseHead | undefined {
    const length = end - at;
    const slot = length % SLOTS;
    if (this.lengths[slot] !== length) return undefined;
    const known = this.bytes;
    for (let i = at, j = slot * SLOT_BYTES; i < end; i++, j++) if (bytes[i] !== known[j]) return undefined;
    return this.heads[slot];
  }

  set(bytes: Buffer, at: number, end: number, head: ResponseHead): void {
    const length = end - at;
    if (length === 0 || length > SLOT_BYTES) return;
    const slot = length % SLOTS;
    bytes.copy(this.bytes, slot * SLOT_BYTES, at, end);
    this.lengths[slot] = length;
    this.heads[slot] = head;
  }
}
