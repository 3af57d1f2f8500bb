import { isUtf8 } from 'node:buffer';
import { ApiError } from './errors.js';

const BOM = 0xfeff;

/**
 * The text that the bytes are, without a byte order mark (RFC 8259 §8.1). Throws FPWSE0004E when they are not UTF-8: a
 * decoder that puts U+FFFD in place of what it cannot read makes one user of two.
 */
export function readUtf8(bytes: Buffer, what = 'body'): string {
  if (!isUtf8(bytes)) throw new ApiError('FPWSE0004E', `The ${what} is not valid UTF-8.`);
  const text = bytes.toString();
  return text.charCodeAt(0) === BOM ? text.slice(1) : text;
}

/** Throws FPWSE0005E when percent-encoded bytes of the text are not UTF-8. A percent sign before no two digits is itself. */
export function checkPercentEncoding(text: string, what: string): void {
  if (!text.includes('%')) return;
  try {
    decodeURIComponent(text.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch {
    throw new ApiError('FPWSE0005E', `The ${what} has percent-encoded bytes that are not valid UTF-8.`);
  }
}
