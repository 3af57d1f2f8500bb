import { describe, expect, it } from 'vitest';
import { PLATFORMS, providerFor, readPlatform } from './platform.js';

describe('readPlatform', () => {
  it.each(PLATFORMS)('accepts %s', (platform) => {
    expect(readPlatform(platform)).toBe(platform);
  });

  it('reads the tutorial’s M as Windows', () => {
    expect(readPlatform('M')).toBe('W');
  });

  it.each(['refuses %j', 'a', 'g', 'IOS', 'AG', 'A,G', ' A', 'WEB', 'constructor'])('does not know %j', (text) => {
    expect(readPlatform(text)).toBeNull();
  });
});

describe('providerFor', () => {
  it.each([
    ['A', 'token', 'apns'],
    ['G', 'token', 'fcm'],
    ['W', 'token', 'wns'],
    ['WEB_CHROME', 'token', 'web-push'],
    ['WEB_FIREFOX', 'token', 'web-push'],
    ['WEB_SAFARI', 'token', 'web-push'],
    ['H', 'token', 'hms'],
    ['A', 'sandbox:accept', 'sandbox'],
    ['G', 'sandbox:', 'sandbox'],
    ['W', 'sandbox:accept', 'sandbox'],
    ['G', 'Sandbox:accept', 'fcm'],
    ['G', ' sandbox:accept', 'fcm'],
    ['A', 'mysandbox:accept', 'apns'],
  ] as const)('%s with token %j goes to %j', (platform, token, provider) => {
    expect(providerFor(platform, token)).toBe(provider);
  });
});
