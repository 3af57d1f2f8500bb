import { createCipheriv, createECDH, createHmac, randomBytes } from 'node:crypto';

/** A push message has one record (RFC 8291 §4): 4,096 octets with header and tag. */
const RECORD_BYTES = 4_096;
const HEADER_BYTES = 86;
const TAG_BYTES = 16;
/** Marks the last record (RFC 8188 §2). */
const LAST_RECORD = 0x02;
const POINT_BYTES = 65;

/** The longest plaintext that push services accept: 3,993 bytes. */
export const MAX_PLAINTEXT_BYTES = RECORD_BYTES - HEADER_BYTES - TAG_BYTES - 1;

/** The random inputs of a message: new per message, given by tests only. */
interface Randomness {
  salt: Buffer;
  /** Private key of the sender's one-time pair. */
  privateKey: Buffer;
}

/**
 * Holds the key pair of the current message; RFC 8291 §3.1 requires a new pair per message. The object is reused,
 * because making one costs as much as making a pair (20 µs); `computeSecret` costs 180 µs.
 */
const oneTime = createECDH('prime256v1');

/**
 * Encrypts one message for one browser: the body of an `aes128gcm` push (RFC 8291, RFC 8188). `userPublicKey` is an
 * uncompressed P-256 point and `userAuth` has 16 bytes. Undefined if the point is not on the curve.
 */
export function encryptMessage(
  plaintext: Uint8Array,
  userPublicKey: Uint8Array,
  userAuth: Uint8Array,
  randomness?: Randomness,
): Buffer | undefined {
  const ownPublicKey = randomness === undefined ? oneTime.generateKeys() : useKey(randomness.privateKey);
  let shared: Buffer;
  try {
    shared = oneTime.computeSecret(userPublicKey);
  } catch {
    return undefined;
  }
  const salt = randomness?.salt ?? randomBytes(16);
  const { key, nonce } = deriveKeys(shared, { userPublicKey, ownPublicKey, userAuth, salt });

  const header = Buffer.allocUnsafe(21);
  salt.copy(header);
  header.writeUInt32BE(RECORD_BYTES, 16);
  header[20] = POINT_BYTES;
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const sealed = [cipher.update(plaintext), cipher.update(Buffer.of(LAST_RECORD)), cipher.final()];
  return Buffer.concat([header, ownPublicKey, ...sealed, cipher.getAuthTag()]);
}

function useKey(privateKey: Buffer): Buffer {
  oneTime.setPrivateKey(privateKey);
  return oneTime.getPublicKey();
}

/** RFC 8291 §3.4. Each HKDF (RFC 5869) yields at most one block, so an expansion is one HMAC. */
function deriveKeys(
  shared: Buffer,
  {
    userPublicKey,
    ownPublicKey,
    userAuth,
    salt,
  }: Record<'userPublicKey' | 'ownPublicKey' | 'userAuth' | 'salt', Uint8Array>,
): { key: Buffer; nonce: Buffer } {
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), userPublicKey, ownPublicKey]);
  const input = expand(hmac(userAuth, shared), info);
  const extracted = hmac(salt, input);
  return {
    key: expand(extracted, Buffer.from('Content-Encoding: aes128gcm\0')).subarray(0, 16),
    nonce: expand(extracted, Buffer.from('Content-Encoding: nonce\0')).subarray(0, 12),
  };
}

function expand(key: Buffer, info: Buffer): Buffer {
  return hmac(key, Buffer.concat([info, Buffer.of(1)]));
}

function hmac(key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
