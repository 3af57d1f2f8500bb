import { expect, it } from 'vitest';
import { isOwnPage } from './own-page.js';

const OWN = { scheme: 'https', host: 'push.example.test' } as const;
const mayCall = (headers: Record<string, string>, method = 'POST', own: Parameters<typeof isOwnPage>[1] = OWN) =>
  isOwnPage({ headers, method }, own);
const CONSOLE = { 'carillon-console': '1' };

it.each([
  ['no header of the console', { 'sec-fetch-site': 'same-origin', origin: 'https://push.example.test' }],
  ['another value of the header', { 'carillon-console': '2', 'sec-fetch-site': 'same-origin' }],
  ['another site', { ...CONSOLE, 'sec-fetch-site': 'cross-site', origin: 'https://push.example.test' }],
  ['another host of the same site', { ...CONSOLE, 'sec-fetch-site': 'same-site' }],
  ['a typed address', { ...CONSOLE, 'sec-fetch-site': 'none' }],
  ['an old browser on another origin', { ...CONSOLE, origin: 'https://evil.test' }],
  ['an old browser on another port', { ...CONSOLE, origin: 'https://push.example.test:8443' }],
  ['an old browser on plain http', { ...CONSOLE, origin: 'http://push.example.test' }],
  ['an old browser in a sandbox', { ...CONSOLE, origin: 'null' }],
  ['a change without Origin', { ...CONSOLE }],
])('refuses %s', (_what, headers) => expect(mayCall(headers as Record<string, string>)).toBe(false));

it('accepts a page of the same origin, by the browser’s word or by Origin', () => {
  expect(mayCall({ ...CONSOLE, 'sec-fetch-site': 'same-origin', origin: 'https://any.test' })).toBe(true);
  expect(mayCall({ ...CONSOLE, origin: 'https://push.example.test' })).toBe(true);
  expect(mayCall({ ...CONSOLE, origin: 'https://a.test' }, 'POST', { scheme: 'https', host: 'a.test:443' })).toBe(true);
  expect(mayCall({ ...CONSOLE, origin: 'http://[::1]:9080' }, 'POST', { scheme: 'http', host: '[::1]:9080' })).toBe(
    true,
  );
});

it('accepts reading without Origin, which browsers leave out of it', () => {
  expect(mayCall(CONSOLE, 'GET')).toBe(true);
  expect(mayCall({ ...CONSOLE, origin: 'https://evil.test' }, 'GET')).toBe(false);
});
