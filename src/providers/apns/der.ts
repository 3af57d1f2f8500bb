/**
 * Reads ASN.1 values in BER as far as PKCS#12 files use them (X.690 §8). Depth and number are limited, and every length
 * is checked against the input. Programs write indefinite lengths and octet strings in pieces, so both are read.
 */
export interface Value {
  tag: number;
  /** Without tag and length; the pieces of an octet string are joined. */
  content: Buffer;
  /** With tag and length. */
  bytes: Buffer;
  /** Parts of a constructed value. */
  parts: readonly Value[];
}

export const INTEGER = 0x02;
export const OCTETS = 0x04;
export const OID = 0x06;
export const SEQUENCE = 0x30;

const MAX_DEPTH = 24;
const MAX_VALUES = 4_000;
const CONSTRUCTED = 0x20;
const INDEFINITE = 0x80;

/** The bytes are not a whole value, or the value is too deep or has too many parts. */
export class NotDer extends Error {}

/** Exactly one value. */
export function readValue(bytes: Buffer): Value {
  const reader = new Reader(bytes);
  const value = reader.read(0, 0);
  if (value.bytes.length !== bytes.length) throw new NotDer('bytes follow the value');
  return value;
}

class Reader {
  private count = 0;

  constructor(private readonly bytes: Buffer) {}

  read(start: number, depth: number, end = this.bytes.length): Value {
    if (depth > MAX_DEPTH || ++this.count > MAX_VALUES) throw new NotDer('too deep, or too many values');
    const tag = this.byte(start, end);
    if ((tag & 0x1f) === 0x1f) throw new NotDer('a tag of several bytes');
    const isConstructed = (tag & CONSTRUCTED) !== 0;
    const first = this.byte(start + 1, end);
    if (first === INDEFINITE) {
      if (!isConstructed) throw new NotDer('an open length of a primitive value');
      return this.readOpen(tag, start, depth, end);
    }
    const [length, from] = this.readLength(first, start + 2, end);
    const to = from + length;
    if (to > end) throw new NotDer('a length beyond the end');
    const parts: Value[] = [];
    for (let at = from; isConstructed && at < to; at += parts.at(-1)!.bytes.length)
      parts.push(this.read(at, depth + 1, to));
    return valueOf(tag, this.bytes.subarray(from, to), this.bytes.subarray(start, to), parts);
  }

  /** Until two zero bytes (X.690 §8.1.5). */
  private readOpen(tag: number, start: number, depth: number, end: number): Value {
    const parts: Value[] = [];
    let at = start + 2;
    while (this.byte(at, end) !== 0 || this.byte(at + 1, end) !== 0) {
      parts.push(this.read(at, depth + 1, end));
      at += parts.at(-1)!.bytes.length;
    }
    return valueOf(tag, this.bytes.subarray(start + 2, at), this.bytes.subarray(start, at + 2), parts);
  }

  private readLength(first: number, at: number, end: number): [length: number, from: number] {
    if (first < 0x80) return [first, at];
    const size = first & 0x7f;
    if (size > 4) throw new NotDer('a length of more than four bytes');
    let length = 0;
    for (let index = 0; index < size; index++) length = length * 256 + this.byte(at + index, end);
    return [length, at + size];
  }

  private byte(at: number, end: number): number {
    const byte = at < end ? this.bytes[at] : undefined;
    if (byte === undefined) throw new NotDer('bytes are missing');
    return byte;
  }
}

/** Joins the pieces of octet strings, universal ones and those under an implicit [0]. */
function valueOf(tag: number, content: Buffer, bytes: Buffer, parts: Value[]): Value {
  const inPieces = tag === (OCTETS | CONSTRUCTED) || (tag === 0xa0 && parts.every((part) => part.tag === OCTETS));
  if (!inPieces || parts.length === 0) return { tag, content, bytes, parts };
  const whole = Buffer.concat(parts.map((part) => part.content));
  return { tag: tag === 0xa0 ? tag : OCTETS, content: whole, bytes, parts: tag === 0xa0 ? parts : [] };
}

/** For example `1.2.840.113549.1.7.1`; '' if the value is not an object identifier. */
export function readOid({ tag, content }: Value): string {
  if (tag !== OID || content.length === 0 || content.length > 32) return '';
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [both = 0, ...rest] = arcs;
  const first = Math.min(2, Math.floor(both / 40));
  return [first, both - first * 40, ...rest].join('.');
}

/** Infinity if the number does not fit 48 bits, NaN if it is not an integer from 0. */
export function readInteger({ tag, content }: Value): number {
  if (tag !== INTEGER || content.length === 0 || content[0]! >= 0x80) return Number.NaN;
  return content.length > 6 ? Infinity : content.readUIntBE(0, content.length);
}
