import { describe, expect, it } from 'vitest';
import { readChannel } from './wns.channel.js';

const WINDOWS = '*.notify.windows.com';

describe('readChannel', () => {
  it.each([
    ['https://db5p.notify.windows.com/?token=AgY%2b1', WINDOWS, 'https://db5p.notify.windows.com/?token=AgY%2b1'],
    ['HTTPS://DB5P.Notify.Windows.com:443/?token=a#x', WINDOWS, 'https://db5p.notify.windows.com/?token=a'],
    ['https://localhost:8443/c/1', 'localhost:8443', 'https://localhost:8443/c/1'],
  ])('%s of %s', (token, host, url) => {
    expect(readChannel(token, host)).toBe(url);
  });

  it.each([
    'http://db5p.notify.windows.com/?token=a',
    'https://notify.windows.com.evil.example/',
    'https://evil.example/.notify.windows.com',
    'https://evilnotify.windows.com/',
    'https://user:pass@db5p.notify.windows.com/',
    'https://evil.example\\.notify.windows.com/',
    'https://db5p.notify.windows.com:8443/',
    'https://db5p.notify.windows.com@evil.example/',
    'https://127.0.0.1/',
    `https://db5p.notify.windows.com/${'x'.repeat(2_048)}`,
    'AgYAAACVg',
    '',
  ])('refuses a token that is not a channel: %s', (token) => {
    expect(readChannel(token, WINDOWS)).toBeUndefined();
  });

  it('a host without a star stands for that host only', () => {
    expect(readChannel('https://a.localhost:8443/', 'localhost:8443')).toBeUndefined();
    expect(readChannel('https://localhost/', 'localhost:8443')).toBeUndefined();
  });
});
