import { describe, expect, it } from 'vitest';
import { canonicalUri } from './canonical-uri.js';

describe('canonicalUri', () => {
  it.each([
    ['https://PUSH.example/a', 'https://push.example/a'],
    ['https://push.example:443/a', 'https://push.example/a'],
    ['https://push.example./a', 'https://push.example/a'],
    ['https://push.example.:8443/a', 'https://push.example:8443/a'],
    ['https://push.example/a#part', 'https://push.example/a'],
    ['https://push.example/b/../a', 'https://push.example/a'],
    ['https://push.example/%61%2b', 'https://push.example/a%2B'],
    ['https://push.example/?token=a%2fb%7E', 'https://push.example/?token=a%2Fb~'],
  ])('%s equals %s', (text, canonical) => {
    expect(canonicalUri(new URL(text))).toBe(canonical);
    expect(canonicalUri(new URL(canonical))).toBe(canonical);
  });

  it('keeps the parts that are case-sensitive', () => {
    expect(canonicalUri(new URL('https://push.example/Ab?Cd=Ef'))).toBe('https://push.example/Ab?Cd=Ef');
  });
});
