import { describe, expect, it } from 'vitest';
import { isDirect, isProxyExemption, readProxy } from './proxy.js';

describe('readProxy', () => {
  it.each([
    ['http://proxy.example:3128', { scheme: 'http', host: 'proxy.example', port: 3128, user: '', password: '' }],
    ['http://proxy.example', { scheme: 'http', port: 80 }],
    ['https://proxy.example/', { scheme: 'https', port: 443 }],
    ['socks5://10.0.0.1', { scheme: 'socks5', host: '10.0.0.1', port: 1080 }],
    ['socks5h://proxy.example', { scheme: 'socks5' }],
    ['socks://[fd00::1]:9', { scheme: 'socks5', host: 'fd00::1', port: 9 }],
    ['http://push:p%40ss%3Aw%2Frd@proxy.example:3128', { user: 'push', password: 'p@ss:w/rd', port: 3128 }],
  ])('%s', (text, proxy) => expect(readProxy(text, [])).toMatchObject(proxy));

  it.each([
    'proxy.example:3128',
    'proxy.example',
    'ftp://proxy.example',
    'socks4://proxy.example',
    'http://push:p@ss:w/rd@proxy.example:3128',
    'http://push:100%@proxy.example',
    'http://proxy.example/path',
    'http://proxy.example?x',
  ])('refuses %s', (text) => expect(readProxy(text, [])).toBe(null));
});

describe('isDirect', () => {
  it.each([
    ['api.internal', 443, 'internal', true],
    ['internal', 443, 'internal', true],
    ['notinternal', 443, 'internal', false],
    ['a.b.svc', 443, '.svc', true],
    ['svc', 443, '.svc', false],
    ['hook.example', 443, '*.example', true],
    ['example', 443, '*.example', false],
    ['hook.example', 8443, 'hook.example:8443', true],
    ['hook.example', 443, 'hook.example:8443', false],
    ['HOOK.example.', 443, 'hook.example', true],
    ['10.1.2.3', 443, '10.0.0.0/8', true],
    ['11.1.2.3', 443, '10.0.0.0/8', false],
    ['ten.example', 443, '10.0.0.0/8', false],
    ['10.1.2.3', 443, '10.1.2.3', true],
    ['[::1]', 443, '::1', true],
    ['::1', 443, '[::1]', true],
    ['fd00::5', 443, 'fd00::/8', true],
    ['fd00::5', 443, '10.0.0.0/8', false],
    ['anything', 1, '*', true],
  ])('%s:%i by %s: %s', (host, port, entry, direct) => {
    expect(isProxyExemption(entry)).toBe(true);
    expect(isDirect(host, port, ['first.example', entry])).toBe(direct);
  });

  it.each(['https://name', 'name/path', 'a b', '10.0.0.0/8/8', 'na*me', '10.0.0.0/33'])(
    'refuses the entry %s',
    (entry) => expect(isProxyExemption(entry)).toBe(false),
  );
});
