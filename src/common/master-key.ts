const BYTES = 32;
/** 32 bytes in base64 or base64url (RFC 4648 §4 and §5), with its padding or without. */
const KEY = /^[A-Za-z0-9+/_-]{43}=?$/;

/** The key that a text holds, to the last bit; null: it holds none. Node's decoder passes over strange characters and stops at padding. */
export function readMasterKey(text: string): Buffer | null {
  if (!KEY.test(text)) return null;
  const key = Buffer.from(text, 'base64');
  const isWhole = key.toString('base64url') === text.replace('=', '').replaceAll('+', '-').replaceAll('/', '_');
  return isWhole && key.length === BYTES ? key : null;
}

/** All zeros, one byte over and over, counting, half text: of 32 random bytes some 30 differ, and fewer than 16 never do. */
export function isPatterned(key: Buffer): boolean {
  const steps = [...key.subarray(1)].map((byte, index) => byte - key[index]!);
  return new Set(key).size < 16 || new Set(steps).size === 1;
}
