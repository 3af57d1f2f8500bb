import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { VapidTokens } from './web-push.vapid.js';

const HOUR = 3_600_000;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function claimsOf(authorization: string): unknown {
  const [, header, claims, signature] = /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), k=PUBLIC$/.exec(authorization)!;
  const valid = verify(
    'sha256',
    Buffer.from(`${header}.${claims}`),
    { key: createPublicKey(privateKey), dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature!, 'base64url'),
  );
  expect(valid).toBe(true);
  expect(JSON.parse(Buffer.from(header!, 'base64url').toString())).toEqual({ alg: 'ES256', typ: 'JWT' });
  return JSON.parse(Buffer.from(claims!, 'base64url').toString());
}

describe('VapidTokens', () => {
  const start = () => {
    const clock = { now: 1_800_000_000_000 };
    return { clock, tokens: new VapidTokens(privateKey, 'PUBLIC', 'mailto:a@example.com', () => clock.now) };
  };

  it('signs a JWT for the origin, valid for twelve hours', () => {
    const { tokens } = start();
    expect(claimsOf(tokens.current('https://push.example:8443'))).toEqual({
      aud: 'https://push.example:8443',
      exp: 1_800_000_000 + 12 * 3_600,
      sub: 'mailto:a@example.com',
    });
  });

  it('keeps the same text for eleven hours, a different one per origin', () => {
    const { clock, tokens } = start();
    const first = tokens.current('https://a');
    expect(tokens.current('https://b')).not.toBe(first);
    clock.now += 11 * HOUR - 1;
    expect(tokens.current('https://a')).toBe(first);
    clock.now += 1;
    expect(tokens.current('https://a')).not.toBe(first);
  });

  it('replaces a refused JWT after an hour, not sooner, and once for all refused deliveries', () => {
    const { clock, tokens } = start();
    const first = tokens.current('https://a');
    clock.now += HOUR - 1;
    expect(tokens.replace('https://a', first)).toBe(false);
    expect(tokens.current('https://a')).toBe(first);
    clock.now += 1;
    expect(tokens.replace('https://a', first)).toBe(true);
    const second = tokens.current('https://a');
    expect(second).not.toBe(first);
    expect(tokens.replace('https://a', first)).toBe(true);
    expect(tokens.current('https://a')).toBe(second);
  });

  it('signs a new JWT after the clock was set back by a day', () => {
    const { clock, tokens } = start();
    const first = tokens.current('https://a');
    clock.now -= 24 * HOUR;
    expect(tokens.current('https://a')).not.toBe(first);
    clock.now += 24 * HOUR;
    const second = tokens.current('https://b');
    clock.now -= 24 * HOUR;
    expect(tokens.replace('https://b', second)).toBe(true);
  });

  it('keeps a limited number of origins', () => {
    const { clock, tokens } = start();
    const first = tokens.current('https://first');
    clock.now += 1_000;
    for (let n = 0; n < 256; n++) tokens.current(`https://${n}`);
    expect(tokens.current('https://first')).not.toBe(first);
  });
});
