import { expect, it } from 'vitest';
import { cookieName, cookieText, readCookie } from './session-cookie.js';

const HTTP = { scheme: 'http', host: 'localhost:9080' } as const;
const HTTPS = { scheme: 'https', host: 'push.example.test' } as const;

it('has the prefix that only https and the root path can set', () => {
  expect(cookieName('session', 'a', HTTPS)).toMatch(/^__Host-carillon-[0-9a-f]{8}$/);
  expect(cookieName('session', 'a', HTTP)).toMatch(/^carillon-[0-9a-f]{8}$/);
  expect(cookieName('sign-in', 'a', HTTPS)).toMatch(/^__Host-carillon-sign-in-[0-9a-f]{8}$/);
});

it('differs between installations on one host, and between ports of copies of one database', () => {
  const names = [
    cookieName('session', 'a', HTTP),
    cookieName('session', 'b', HTTP),
    cookieName('session', 'a', { ...HTTP, host: 'localhost:9081' }),
  ];
  expect(new Set(names).size).toBe(3);
  expect(cookieName('session', 'a', HTTP)).toBe(names[0]);
});

it('is kept from scripts, and a session from links of other sites', () => {
  expect(cookieText('session', ['n', 'v'], { isSecure: true })).toBe('n=v; Path=/; HttpOnly; SameSite=Strict; Secure');
  expect(cookieText('session', ['n', ''], { isSecure: false, seconds: 0 })).toBe(
    'n=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0',
  );
  expect(cookieText('sign-in', ['n', 'v'], { isSecure: true, seconds: 60 })).toContain('SameSite=Lax');
});

it('reads the cookie of exactly this name', () => {
  expect(readCookie('a=1; carillon-x=2;carillon=3 ; b', 'carillon')).toBe('3');
  expect(readCookie('xcarillon=1', 'carillon')).toBeUndefined();
  expect(readCookie('carillon', 'carillon')).toBeUndefined();
  expect(readCookie(undefined, 'carillon')).toBeUndefined();
});
