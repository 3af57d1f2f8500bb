import { generateKeyPairSync, verify } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { ProviderToken } from './apns.token.js';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const MINUTE_MS = 60_000;
const decode = (part: string | undefined): unknown => JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

describe('ProviderToken', () => {
  let now: number;
  let token: ProviderToken;

  beforeEach(() => {
    now = Date.parse('2026-11-23T10:00:00Z');
    token = new ProviderToken(privateKey, 'KEY1234567', 'TEAM123456', () => now);
  });

  it('is an ES256 JWT of key and team, dated a few seconds back', () => {
    const [header, claims, signature] = token.current().split('.');
    expect(decode(header)).toEqual({ alg: 'ES256', kid: 'KEY1234567' });
    expect(decode(claims)).toEqual({ iss: 'TEAM123456', iat: now / 1_000 - 10 });
    const raw = Buffer.from(signature ?? '', 'base64url');
    expect(raw.length).toBe(64);
    const signed = Buffer.from(`${header}.${claims}`);
    expect(verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw)).toBe(true);
  });

  it('stays the same for 50 minutes and not longer', () => {
    const first = token.current();
    now += 50 * MINUTE_MS - 1;
    expect(token.current()).toBe(first);
    now += 1;
    expect(token.current()).not.toBe(first);
  });

  it('is replaced at once when Apple calls it expired, but not twice in 20 minutes', () => {
    const first = token.current();
    expect(token.replaceExpired(first)).toBe(true);
    const second = token.current();
    expect(second).not.toBe(first);
    now += 20 * MINUTE_MS - 1;
    expect(token.replaceExpired(second)).toBe(false);
    expect(token.current()).toBe(second);
    now += 1;
    expect(token.replaceExpired(second)).toBe(true);
    expect(token.current()).not.toBe(second);
  });

  it('is not replaced again for those who were refused with an older one', () => {
    const first = token.current();
    token.replaceExpired(first);
    const second = token.current();
    expect(token.replaceExpired(first)).toBe(true);
    expect(token.current()).toBe(second);
  });
});
