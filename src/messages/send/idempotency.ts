import { createHash } from 'node:crypto';
import { ApiError, invalidValue } from '../../common/errors.js';

const MAX_KEY = 255;

/** The client, key and hash of a request; a different request under the same key is refused. */
export interface Idempotency {
  key: string;
  requestHash: Buffer;
}

/** Returns null without a key. Throws FPWSE0005E. */
export function readIdempotency(key: string | undefined, request: unknown): Idempotency | null {
  if (key === undefined) return null;
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > MAX_KEY)
    throw invalidValue('Idempotency-Key', `it must be 1 to ${MAX_KEY} printable ASCII characters`);
  return {
    key,
    requestHash: createHash('sha256')
      .update(JSON.stringify(request) ?? '')
      .digest(),
  };
}

/** Throws FPWSE0002E if the earlier request with the same key was different. */
export function checkSameRequest(earlier: Pick<Idempotency, 'requestHash'>, requestHash: Buffer): void {
  if (earlier.requestHash.equals(requestHash)) return;
  throw new ApiError(
    'FPWSE0002E',
    "This key was used with a different request. Check the 'Idempotency-Key' header value.",
  );
}
