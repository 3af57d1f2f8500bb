import { createHash } from 'node:crypto';
import { invalidValue } from '../../common/errors.js';

const MAX_KEY = 255;

/** What an Idempotency-Key was given with: another request under the same key is a mistake of the caller. */
export interface Idempotency {
  key: string;
  requestHash: Buffer;
}

/** Null without a key. Throws FPWSE0005E. */
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
