import { ConnectionError, ErrorCode, MAX_31_BITS, errorName } from './frames.js';

/** The content of a GOAWAY frame (RFC 9113 §6.8). */
export interface GoAway {
  /** Streams with a higher id were not processed. */
  lastId: number;
  code: number;
  /** For logs: the code, and the peer's debug data (APNs sends `{"reason":"…"}`). */
  reason: string;
}

/** Debug data is for logs and is cut to this length. */
const MAX_DEBUG_CHARACTERS = 200;

/** Throws ConnectionError FRAME_SIZE_ERROR for a payload of less than eight octets. */
export function readGoAway(bytes: Buffer, at: number, end: number): GoAway {
  if (end - at < 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'GOAWAY of less than 8 bytes');
  const code = bytes.readUInt32BE(at + 4);
  const debug = debugReason(bytes.toString('utf8', at + 8, end));
  const name = `GOAWAY ${errorName(code)}`;
  return { lastId: bytes.readUInt32BE(at) & MAX_31_BITS, code, reason: debug === '' ? name : `${name}: ${debug}` };
}

function debugReason(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'reason' in parsed) text = String(parsed.reason);
  } catch {
    // Debug data is usually plain text.
  }
  return text.slice(0, MAX_DEBUG_CHARACTERS).replace(/\p{Cc}/gu, ' ');
}
