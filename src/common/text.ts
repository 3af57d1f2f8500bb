import { isUtf8 } from 'node:buffer';
import { ApiError } from './errors.js';

const BOM = 0xfeff;

/**
 * Decodes bytes to text, without a byte order mark (RFC 8259 §8.1). Throws FPWSE0004E if they are not UTF-8: with
 * U+FFFD in place of invalid bytes, two users could become one.
 */
export function readUtf8(bytes: Buffer, what = 'body'): string {
  if (!isUtf8(bytes)) throw new ApiError('FPWSE0004E', `The ${what} is not valid UTF-8.`);
  const text = bytes.toString();
  return text.charCodeAt(0) === BOM ? text.slice(1) : text;
}

/**
 * Throws FPWSE0005E if percent-encoded bytes of the text are not UTF-8. A percent sign without two hexadecimal digits
 * is literal.
 */
export function checkPercentEncoding(text: string, what: string): void {
  if (!text.includes('%')) return;
  try {
    decodeURIComponent(text.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch {
    throw new ApiError('FPWSE0005E', `The ${what} has percent-encoded bytes that are not valid UTF-8.`);
  }
}
