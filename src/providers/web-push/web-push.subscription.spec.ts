import { describe, expect, it } from 'vitest';
import { readSubscription } from './web-push.subscription.js';

const POINT = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 0xfb)]);
const SECRET = Buffer.alloc(16, 0xff);
const endpoint = 'https://push.example/1';
const read = { endpoint, userPublicKey: POINT, userAuth: SECRET };
const sdk = (over: object = {}): string => {
  const own = { endpoint, userPublicKey: POINT.toString('base64url'), userAuth: SECRET.toString('base64url') };
  return JSON.stringify({ ...own, ...over });
};

describe('readSubscription', () => {
  it("reads the token of MobileFirst's web SDK", () => {
    expect(readSubscription(sdk())).toEqual(read);
  });

  it("reads the JSON of a browser's PushSubscription", () => {
    const keys = { p256dh: POINT.toString('base64url'), auth: SECRET.toString('base64url') };
    expect(readSubscription(JSON.stringify({ endpoint, expirationTime: null, keys }))).toEqual(read);
  });

  it('accepts base64 with padding', () => {
    const [userPublicKey, userAuth] = [POINT.toString('base64'), SECRET.toString('base64')];
    expect(userPublicKey + userAuth).toMatch(/[+/].*=/);
    expect(readSubscription(sdk({ userPublicKey, userAuth }))).toEqual(read);
  });

  it.each([
    ['', 'JSON'],
    ['null', 'endpoint'],
    ['"https://push.example/1"', 'endpoint'],
    ['[]', 'endpoint'],
    [sdk({ endpoint: 1 }), 'endpoint'],
    [sdk({ userPublicKey: undefined }), 'userPublicKey'],
    [sdk({ userPublicKey: 5 }), 'userPublicKey'],
    [sdk({ userPublicKey: POINT.subarray(1).toString('base64url') }), 'userPublicKey'],
    [sdk({ userPublicKey: Buffer.alloc(65, 2).toString('base64url') }), 'userPublicKey'],
    [sdk({ userPublicKey: `${POINT.toString('base64url')}!` }), 'userPublicKey'],
    [sdk({ userAuth: SECRET.subarray(1).toString('base64url') }), 'userAuth'],
    [sdk({ userAuth: null, keys: 'x' }), 'userAuth'],
  ])('names the fault of %s', (token, word) => {
    expect(readSubscription(token)).toEqual(expect.stringContaining(word));
  });
});
