import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Receipt tokens, pure: one travels in the payload of a delivery, and lets its holder send receipts for this delivery
 * alone. Layout: batch(6) ‖ position in it(2) ‖ HMAC(16), as base64url. An access token has dots, so that neither is
 * ever read as the other.
 */

const PLACE = 8;
const MAC = 16;
const LENGTH = ((PLACE + MAC) * 4) / 3;
const TOKEN = new RegExp(`^[A-Za-z0-9_-]{${LENGTH}}$`);

/** As long as a token, for the measurement of a body. */
export const TOKEN_SPACE = 'x'.repeat(LENGTH);

/** A delivery by its place in the rows. */
export interface DeliveryOfToken {
  batchId: number;
  position: number;
}

export function isReceiptToken(text: string): boolean {
  return TOKEN.test(text);
}

/** `key`: of the application. */
export function signReceipt(key: Buffer, messageId: string, { batchId, position }: DeliveryOfToken): string {
  const place = Buffer.alloc(PLACE);
  place.writeUIntBE(batchId, 0, 6);
  place.writeUInt16BE(position, 6);
  return Buffer.concat([place, macOf(key, messageId, place)]).toString('base64url');
}

/** Null if the token was not signed with this key for a delivery of this message. */
export function readReceipt(key: Buffer, messageId: string, token: string): DeliveryOfToken | null {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== PLACE + MAC) return null;
  const place = bytes.subarray(0, PLACE);
  if (!timingSafeEqual(bytes.subarray(PLACE), macOf(key, messageId, place))) return null;
  return { batchId: place.readUIntBE(0, 6), position: place.readUInt16BE(6) };
}

/** With the message id, because a database that is restored gives the numbers of batches again. */
function macOf(key: Buffer, messageId: string, place: Buffer): Buffer {
  return createHmac('sha256', key).update('receipt').update(place).update(messageId).digest().subarray(0, MAC);
}
