import { INTEGER, OCTETS, SEQUENCE, readOid, readValue } from '../../src/providers/apns/der.js';
import type { Value } from '../../src/providers/apns/der.js';

/** Writes a value in DER. */
export function write(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(length);
  const bytes = size.subarray(size.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, content]);
}

/** Writes a value with an indefinite length, octet strings in two pieces. */
export function writeOpen({ tag, content, parts }: Value): Buffer {
  const end = Buffer.alloc(2);
  if (tag === OCTETS) {
    const half = content.length >> 1;
    const pieces = [write(OCTETS, content.subarray(0, half)), write(OCTETS, content.subarray(half))];
    return Buffer.concat([Buffer.from([OCTETS | 0x20, 0x80]), ...pieces, end]);
  }
  if (parts.length === 0) return write(tag, content);
  return Buffer.concat([Buffer.from([tag, 0x80]), ...parts.map(writeOpen), end]);
}

/** A PKCS#12 file in which the key derivations of the safes, or of the MAC, have another number of iterations. */
export function withIterations(file: Buffer, iterations: number, where: 'mac' | 'safes'): Buffer {
  const number = Buffer.alloc(5);
  number.writeUInt32BE(iterations, 1);
  const count = write(INTEGER, number);
  const [version, content, mac] = readValue(file).parts;
  const safes = where === 'safes' ? rewrite(content!, count) : content!.bytes;
  const macWith =
    where === 'mac' ? write(SEQUENCE, Buffer.concat([mac!.parts[0]!.bytes, mac!.parts[1]!.bytes, count])) : mac!.bytes;
  return write(SEQUENCE, Buffer.concat([version!.bytes, safes, macWith]));
}

const PBKDF2 = '1.2.840.113549.1.5.12';

function rewrite(value: Value, count: Buffer): Buffer {
  const { tag, content, parts } = value;
  if (tag === OCTETS && content[0] === SEQUENCE) {
    try {
      return write(OCTETS, rewrite(readValue(content), count));
    } catch {
      return value.bytes;
    }
  }
  const [oid, terms] = parts;
  if (tag === SEQUENCE && oid && terms && readOid(oid) === PBKDF2) {
    const [salt, , ...rest] = terms.parts;
    const changed = Buffer.concat([salt!.bytes, count, ...rest.map(({ bytes }) => bytes)]);
    return write(SEQUENCE, Buffer.concat([oid.bytes, write(SEQUENCE, changed)]));
  }
  if (parts.length === 0) return value.bytes;
  return write(tag, Buffer.concat(parts.map((part) => rewrite(part, count))));
}
