import { isIP } from 'node:net';

/** What the value of a setting may be, pure. */

export function isUrl(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}

/** All zeros, one byte over and over, counting, half text: of 32 random bytes some 30 differ, and fewer than 16 never do. */
export function isPatterned(key: Buffer): boolean {
  const steps = [...key.subarray(1)].map((byte, index) => byte - key[index]!);
  return new Set(key).size < 16 || new Set(steps).size === 1;
}

/** `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return most > 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
}
