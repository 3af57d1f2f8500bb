/** The two primitives of HPACK (RFC 7541 §5); both return the position after the written bytes. */

/** RFC 7541 §5.1: `kind` has the bits above the prefix, `max` is the prefix with all bits set. */
export function writeInteger(out: Buffer, at: number, kind: number, max: number, value: number): number {
  if (value < max) {
    out[at] = kind | value;
    return at + 1;
  }
  out[at++] = kind | max;
  for (value -= max; value >= 128; value >>>= 7) out[at++] = (value & 127) | 128;
  out[at++] = value;
  return at;
}

/**
 * Header text has one octet per character (checked when the request was accepted), so short strings need no encoder
 * call.
 */
export function writeString(out: Buffer, at: number, text: string): number {
  at = writeInteger(out, at, 0, 127, text.length);
  if (text.length > 48) return at + out.write(text, at, 'latin1');
  for (let i = 0; i < text.length; i++) out[at++] = text.charCodeAt(i);
  return at;
}
