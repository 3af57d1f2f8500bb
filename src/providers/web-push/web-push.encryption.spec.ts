import { createDecipheriv, createECDH, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encryptMessage, MAX_PLAINTEXT_BYTES } from './web-push.encryption.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
/** RFC 8291 §5 and Appendix A. */
const EXAMPLE = {
  plaintext: 'When I grow up, I want to be a watermelon',
  auth: bytes('BTBZMqHH6r4Tts7J_aSIgg'),
  userPublic: bytes('BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4'),
  userPrivate: bytes('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94'),
  senderPrivate: bytes('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'),
  salt: bytes('DGv6ra1nlYgDCS1FRnbzlw'),
  body:
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A' +
    '_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
};

/** A browser's decryption, written a second time from the RFC. */
function decrypt(body: Buffer): string {
  const { userPrivate, userPublic, auth } = EXAMPLE;
  const [salt, sender, sealed] = [body.subarray(0, 16), body.subarray(21, 86), body.subarray(86)];
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(userPrivate);
  const hkdf = (salt: Buffer, ikm: Buffer, info: Buffer, length: number): Buffer => {
    const prk = createHmac('sha256', salt).update(ikm).digest();
    return createHmac('sha256', prk)
      .update(Buffer.concat([info, Buffer.of(1)]))
      .digest()
      .subarray(0, length);
  };
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), userPublic, sender]);
  const ikm = hkdf(auth, ecdh.computeSecret(sender), info, 32);
  const key = hkdf(salt, ikm, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const nonce = hkdf(salt, ikm, Buffer.from('Content-Encoding: nonce\0'), 12);
  const decipher = createDecipheriv('aes-128-gcm', key, nonce);
  decipher.setAuthTag(sealed.subarray(-16));
  const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  expect(padded.at(-1)).toBe(2);
  return padded.subarray(0, -1).toString();
}

describe('encryptMessage', () => {
  const { plaintext, userPublic, auth } = EXAMPLE;

  it('encrypts the example of RFC 8291 to its body', () => {
    const randomness = { salt: EXAMPLE.salt, privateKey: EXAMPLE.senderPrivate };
    const body = encryptMessage(Buffer.from(plaintext), userPublic, auth, randomness);
    expect(body?.toString('base64url')).toBe(EXAMPLE.body);
  });

  it('uses a new salt and key pair per message, and the browser reads both messages', () => {
    const bodies = [1, 2].map(() => encryptMessage(Buffer.from(plaintext), userPublic, auth)!);
    expect(bodies.map(decrypt)).toEqual([plaintext, plaintext]);
    expect(bodies[0]!.subarray(0, 16)).not.toEqual(bodies[1]!.subarray(0, 16));
    expect(bodies[0]!.subarray(21, 86)).not.toEqual(bodies[1]!.subarray(21, 86));
  });

  it('fills one record with the longest plaintext', () => {
    const longest = 'x'.repeat(MAX_PLAINTEXT_BYTES);
    const body = encryptMessage(Buffer.from(longest), userPublic, auth)!;
    expect([MAX_PLAINTEXT_BYTES, body.length, body.readUInt32BE(16)]).toEqual([3_993, 4_096, 4_096]);
    expect(decrypt(body)).toBe(longest);
  });

  it('refuses a key that is not on the curve', () => {
    const off = Buffer.from(userPublic);
    off[64]! ^= 1;
    expect(encryptMessage(Buffer.from(plaintext), off, auth)).toBeUndefined();
    expect(encryptMessage(Buffer.from(plaintext), Buffer.alloc(65), auth)).toBeUndefined();
  });
});
