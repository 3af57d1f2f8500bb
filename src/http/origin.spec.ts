import { expect, it } from 'vitest';
import { Origins, textOf } from './origin.js';

const origins = new Origins({ trustedProxies: ['10.0.0.0/8'] });
const read = (headers: Record<string, string>, remoteAddress = '10.1.2.3', socket: object = {}) =>
  textOf(origins.of({ headers: { host: 'Inner:9080', ...headers }, socket: { remoteAddress, ...socket } } as never));

it.each([
  ['https', { 'x-forwarded-proto': 'https' }, 'https://inner:9080'],
  ['the first of a list', { 'x-forwarded-proto': 'https,http' }, 'https://inner:9080'],
  ['http before https', { 'x-forwarded-proto': 'http, https' }, 'http://inner:9080'],
  ['no header', {}, 'http://inner:9080'],
  ['an empty header', { 'x-forwarded-proto': '' }, 'http://inner:9080'],
  [
    'another host',
    { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'push.example.test' },
    'https://push.example.test',
  ],
])('believes a trusted proxy: %s', (_what, headers, expected) => expect(read(headers)).toBe(expected));

it('believes no other peer', () => {
  const forged = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.test' };
  expect(read(forged, '192.0.2.1')).toBe('http://inner:9080');
  expect(new Origins({ trustedProxies: [] }).of({ headers: { host: 'a', ...forged }, socket: {} } as never)).toEqual({
    scheme: 'http',
    host: 'a',
  });
});

it('knows TLS of its own', () => expect(read({}, '192.0.2.1', { encrypted: true })).toBe('https://inner:9080'));
