const SLOTS = 32;
const SLOT_BYTES = 128;
/** A text that differs in every answer (`apns-id`) is kept only once in so many answers, because keeping it costs. */
const KEPT_ONCE_IN = 16;

/**
 * The texts of the last answer by their position, with their bytes: most services repeat names and most values in each
 * answer, so that a comparison replaces decoding, and no new text is allocated.
 */
export class TextMemo {
  private readonly bytes = Buffer.allocUnsafeSlow(SLOTS * SLOT_BYTES);
  /** 0: nothing is kept. */
  private readonly lengths = new Uint8Array(SLOTS);
  /** Misses since the last hit. */
  private readonly misses = new Uint8Array(SLOTS);
  private readonly texts: string[] = Array.from({ length: SLOTS }, () => '');

  /** The text of equal bytes at this position; undefined if the bytes differ. */
  find(slot: number, bytes: Buffer, at: number, end: number): string | undefined {
    if (slot >= SLOTS || this.lengths[slot] !== end - at) return undefined;
    const known = this.bytes;
    for (let i = at, j = slot * SLOT_BYTES; i < end; i++, j++) if (bytes[i] !== known[j]) return undefined;
    this.misses[slot] = 0;
    return this.texts[slot];
  }

  /** Call after a miss. */
  keep(slot: number, bytes: Buffer, at: number, end: number, text: string): void {
    if (slot >= SLOTS || end - at > SLOT_BYTES || end === at) return;
    const misses = this.misses[slot]!;
    this.misses[slot] = (misses + 1) % KEPT_ONCE_IN;
    if (misses !== 0) return;
    bytes.copy(this.bytes, slot * SLOT_BYTES, at, end);
    this.lengths[slot] = end - at;
    this.texts[slot] = text;
  }
}
