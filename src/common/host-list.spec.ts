import { describe, expect, it } from 'vitest';
import { isHostPattern, isListed } from './host-list.js';

describe('isListed', () => {
  it.each<[boolean, string, string]>([
    [true, 'https://push.example/a', 'push.example'],
    [true, 'https://push.example:443/', 'push.example'],
    [true, 'http://push.example/', 'push.example'],
    [false, 'https://push.example:8443/', 'push.example'],
    [true, 'https://push.example:8443/', 'push.example:8443'],
    [false, 'https://push.example.evil.example/', 'push.example'],
    [false, 'https://evil-push.example/', 'push.example'],
    [false, 'https://push.example./', 'push.example'],
    [true, 'https://db5p.notify.windows.com/', '*.notify.windows.com'],
    [false, 'https://notify.windows.com/', '*.notify.windows.com'],
    [false, 'https://notify.windows.com.evil.example/', '*.notify.windows.com'],
    [true, 'https://0x7f.1/', '127.0.0.1'],
    [true, 'http://[fd00:0::1]:9080/', '[fd00::1]:9080'],
  ])('%j: %s in %s', (listed, url, pattern) => {
    expect(isHostPattern(pattern)).toBe(true);
    expect(isListed(new URL(url), ['other.example', pattern])).toBe(listed);
  });

  it.each([
    'https://push.example',
    'push.example/path',
    '*',
    '*.',
    'a*.example',
    'Push.example',
    'a b',
    'u@push.example',
  ])('%j is not a host pattern', (pattern) => expect(isHostPattern(pattern)).toBe(false));
});
