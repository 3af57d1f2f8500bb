import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { TOKEN_SPACE, isReceiptToken, readReceipt, signReceipt } from './receipt-token.js';

const KEY = randomBytes(32);
const DELIVERY = { batchId: 281_474_976_710_655, position: 999 };

it('a token holds for its delivery, its message and its key alone', () => {
  const token = signReceipt(KEY, 'm1', DELIVERY);
  expect(readReceipt(KEY, 'm1', token)).toEqual(DELIVERY);
  expect(readReceipt(KEY, 'm2', token)).toBeNull();
  expect(readReceipt(randomBytes(32), 'm1', token)).toBeNull();
});

it('a token with another place or another end is refused', () => {
  const bytes = Buffer.from(signReceipt(KEY, 'm1', DELIVERY), 'base64url');
  for (let index = 0; index < bytes.length; index++) {
    const changed = Buffer.from(bytes);
    changed[index]! ^= 1;
    expect(readReceipt(KEY, 'm1', changed.toString('base64url'))).toBeNull();
  }
  expect(readReceipt(KEY, 'm1', '')).toBeNull();
  expect(readReceipt(KEY, 'm1', bytes.subarray(1).toString('base64url'))).toBeNull();
});

it('a token has the form and the length that are measured, and a JWT does not have the form', () => {
  const token = signReceipt(KEY, 'm1', { batchId: 0, position: 0 });
  expect(isReceiptToken(token)).toBe(true);
  expect(token).toHaveLength(TOKEN_SPACE.length);
  expect(isReceiptToken('eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl')).toBe(false);
  expect(isReceiptToken(`${token}x`)).toBe(false);
});
