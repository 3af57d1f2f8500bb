import { ConnectionError, ErrorCode, MAX_31_BITS, errorName } from './frames.js';

/** What a GOAWAY frame says (RFC 9113 §6.8). */
export interface GoAway {
  /** Streams above it were not processed. */
  lastId: number;
  code: number;
  /** For people: the code, and what the peer's debug data says (APNs puts `{"reason":"…"}` there). */
  reason: string;
}

/** Debug data is for logs; more of it than this helps nobody. */
const MAX_DEBUG_CHARACTERS = 200;

/** Throws ConnectionError FRAME_SIZE_ERROR for a payload under eight octets. */
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
    // Plain text is the usual case.
  }
  return text.slice(0, MAX_DEBUG_CHARACTERS).replace(/\p{Cc}/gu, ' ');
}
