import { describe, expect, it } from 'vitest';
import { safePath } from './safe-path';

describe('safePath', () => {
  it.each([
    '//evil.test',
    '/\\evil.test',
    '/%5Cevil.test',
    '/\t/evil.test',
    'https:evil.test',
    'https://evil.test/console/',
    '/console/..//evil.test',
    '/console/../imfpush/v1/apps',
    '/console//evil.test',
    '/console/\\evil.test',
    '/console/%5cevil.test',
    '/console/%2f%2fevil.test',
    '/console/api/people/sign-in',
    '/console/a b',
    'javascript:alert(1)',
    '/consoleevil',
    '',
    undefined,
  ])('%j goes to the first page', (to) => {
    expect(safePath(to)).toBe('/console/');
  });

  it.each([
    '/console/',
    '/console/apps/com.example.app/messages?state=paused&from=2026-11-29T00%3A00Z#first',
    '/console/apps/com.example.app/devices/a%2Fb%5Cc',
  ])('%j is kept whole', (to) => {
    expect(safePath(to)).toBe(to);
  });
});
