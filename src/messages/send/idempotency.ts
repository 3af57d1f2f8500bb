import { createHash } from 'node:crypto';
import { invalidValue } from '../../common/errors.js';

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
