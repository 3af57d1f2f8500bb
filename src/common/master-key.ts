const BYTES = 32;
/** 32 bytes in base64 or base64url (RFC 4648 §4 and §5), with or without padding. */
const KEY = /^[A-Za-z0-9+/_-]{43}=?$/;

/**
 * Reads a key and checks every bit; null if the text is not a key. Node's decoder ignores unknown characters and stops
 * at padding.
 */
export function readMasterKey(text: string): Buffer | null {
  if (!KEY.test(text)) return null;
  const key = Buffer.from(text, 'base64');
  const isWhole = key.toString('base64url') === text.replace('=', '').replaceAll('+', '-').replaceAll('/', '_');
  return isWhole && key.length === BYTES ? key : null;
}

/**
 * Detects all zeros, one repeated byte, counting bytes and readable text: 32 random bytes have some 30 different
 * values, and practically never fewer than 16.
 */
export function isPatterned(key: Buffer): boolean {
  const steps = [...key.subarray(1)].map((byte, index) => byte - key[index]!);
  return new Set(key).size < 16 || new Set(steps).size === 1;
}
