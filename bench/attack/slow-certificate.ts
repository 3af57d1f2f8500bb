import { makeP12 } from '../../test/harness/p12.js';

/**
 * A .p12 whose key derivation takes `iterations` rounds; its MAC is then wrong, which a reader detects only after the
 * rounds. The count is the last number of `MacData` (RFC 7292 §4), which OpenSSL writes in two bytes: 2,048.
 */
export function slowCertificate(iterations: number): Buffer {
  const { p12 } = makeP12('/CN=Apple Push Services: com.example.app/UID=com.example.app');
  const count = p12.subarray(-4);
  if (count.readUInt16BE(2) !== 2_048) throw new Error('the file does not end with its count of iterations');
  const longer = Buffer.alloc(4);
  longer.writeUInt32BE(iterations);
  // An INTEGER of four bytes replaces one of two: the enclosing SEQUENCE and the file become two bytes longer.
  return lengthen(p12, Buffer.concat([p12.subarray(0, -4), Buffer.from([2, 4]), longer]));
}

/** Adds two bytes to the lengths of the outer SEQUENCE and of `MacData`, the file's last element. */
function lengthen(before: Buffer, after: Buffer): Buffer {
  const result = Buffer.from(after);
  result.writeUInt16BE(before.readUInt16BE(2) + 2, 2);
  const mac = macDataAt(before);
  result[mac + 1] = (before[mac + 1] ?? 0) + 2;
  return result;
}

/** `MacData` is a SEQUENCE of less than 128 bytes that ends with the file. */
function macDataAt(p12: Buffer): number {
  for (let at = p12.length - 4; at > p12.length - 130; at--)
    if (p12[at] === 0x30 && at + 2 + (p12[at + 1] ?? 0) === p12.length) {
      const outer = at;
      // The outermost match: MacData begins with the SEQUENCE of its digest.
      if (p12[outer + 2] === 0x30) return outer;
    }
  throw new Error('no MacData at the end of the file');
}
