import { describe, expect, it } from 'vitest';
import { readEndpoint } from './web-push.endpoint.js';

const PUBLIC = { allowPrivate: false, hosts: [] };
const ANYWHERE = { allowPrivate: true, hosts: [] };

describe('readEndpoint', () => {
  it('splits an endpoint into origin and path', () => {
    expect(readEndpoint('https://fcm.googleapis.com/fcm/send/a:b?c=d#e', PUBLIC)).toEqual({
      origin: 'https://fcm.googleapis.com',
      path: '/fcm/send/a:b?c=d',
      isWindows: false,
    });
    expect(readEndpoint('https://push.example:8443/', PUBLIC)).toMatchObject({ origin: 'https://push.example:8443' });
  });

  it('recognises Windows by its host and by the form of its endpoints', () => {
    const isWindows = (text: string) => (readEndpoint(text, PUBLIC) as { isWindows: boolean }).isWindows;
    expect(isWindows('https://wns2-par02p.notify.windows.com/w/?token=x')).toBe(true);
    expect(isWindows('https://push.example/w/?token=x')).toBe(true);
    expect(isWindows('https://evilnotify.windows.com.example/wx')).toBe(false);
  });

  it.each([
    ['http://push.example/1', 'https'],
    ['ftp://push.example/1', 'https'],
    ['push.example', 'https'],
    ['', 'https'],
    [`https://push.example/${'x'.repeat(2_048)}`, 'https'],
    ['https://user@push.example/1', 'user'],
    ['https://:secret@push.example/1', 'user'],
    ['https://127.0.0.1/1', 'public'],
    // One loopback address in the forms that browsers and curl also read.
    ['https://2130706433/1', 'public'],
    ['https://0x7f.1/1', 'public'],
    ['https://0177.0.0.1/1', 'public'],
    ['https://[::1]/1', 'public'],
    ['https://[::ffff:169.254.169.254]/1', 'public'],
    ['https://①②⑦.0.0.1/1', 'public'],
    ['https://localhost/1', 'public'],
    ['https://push.localhost./1', 'public'],
  ])('refuses %s', (text, word) => {
    expect(readEndpoint(text, PUBLIC)).toEqual(expect.stringContaining(word));
  });

  it('accepts private addresses only with allowPrivate', () => {
    expect(readEndpoint('https://127.0.0.1:8443/1', ANYWHERE)).toMatchObject({ origin: 'https://127.0.0.1:8443' });
    expect(readEndpoint('http://127.0.0.1/1', ANYWHERE)).toEqual(expect.any(String));
  });

  it('accepts only the hosts of a list if there is one', () => {
    const rules = { allowPrivate: false, hosts: ['fcm.googleapis.com', '*.push.apple.com', 'push.example:8443'] };
    for (const url of ['https://fcm.googleapis.com/a', 'https://web.push.apple.com/b', 'https://push.example:8443/'])
      expect(readEndpoint(url, rules)).toMatchObject({ isWindows: false });
    for (const url of ['https://push.example/', 'https://fcm.googleapis.com.evil.example/', 'https://8.8.8.8/'])
      expect(readEndpoint(url, rules)).toMatch(/WEB_PUSH_HOSTS/);
  });
});
