import { isObject } from '../shared/unanswered.js';

/** A browser's push subscription, as bytes. */
export interface PushSubscription {
  endpoint: string;
  /**
   * The browser's public key: an uncompressed P-256 point of 65 bytes (RFC 8291 §3.1), not checked against the curve.
   */
  userPublicKey: Buffer;
  /** The authentication secret, 16 bytes (RFC 8291 §3.2). */
  userAuth: Buffer;
}

const POINT_BYTES = 65;
const UNCOMPRESSED = 0x04;
const SECRET_BYTES = 16;
/** Base64 or base64url, with or without padding: libraries write both. */
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * Reads a device's token: the JSON text of MobileFirst's web SDK `{endpoint, userPublicKey, userAuth}`, or of a
 * browser's `PushSubscription.toJSON()` `{endpoint, keys: {p256dh, auth}}`. If the token is invalid, returns a text for
 * the caller that never contains the token.
 */
export function readSubscription(token: string): PushSubscription | string {
  let value: unknown;
  try {
    value = JSON.parse(token);
  } catch {
    return 'it must be the JSON text of a push subscription';
  }
  if (!isObject(value) || typeof value.endpoint !== 'string') return 'it must be a push subscription with an endpoint';
  const keys = isObject(value.keys) ? value.keys : {};
  const userPublicKey = decode(value.userPublicKey ?? keys.p256dh);
  if (userPublicKey?.length !== POINT_BYTES || userPublicKey[0] !== UNCOMPRESSED) {
    return 'userPublicKey must be an uncompressed P-256 point of 65 bytes in base64url';
  }
  const userAuth = decode(value.userAuth ?? keys.auth);
  if (userAuth?.length !== SECRET_BYTES) return 'userAuth must be 16 bytes in base64url';
  return { endpoint: value.endpoint, userPublicKey, userAuth };
}

/** Node's decoder reads both alphabets. */
function decode(text: unknown): Buffer | undefined {
  return typeof text === 'string' && BASE64.test(text) ? Buffer.from(text, 'base64url') : undefined;
}
