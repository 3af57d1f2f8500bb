import { expect, it } from 'vitest';
import { destinationOf } from './destination.js';

it.each([
  undefined,
  '',
  '//evil.test',
  '/\\evil.test',
  '/%5Cevil.test',
  '/\tevil.test',
  '/console/\t/evil.test',
  'https:evil.test',
  'https://evil.test/console/',
  '/console/..//evil.test',
  '/console/%2e%2e//evil.test',
  '/console//evil.test',
  '/console/\\evil.test',
  'javascript:alert(1)',
  '/consoleevil',
  '/console.evil.test',
  '/imfpush/v1/apps',
  '/console/api/people/sign-in',
  '/console/x/../api/session',
  ' /console/messages',
])('%j leads to the start', (text) => expect(destinationOf(text)).toBe('/console/'));

it.each(['/console/', '/console/messages/7?label=a%20b&x=%2F#outcomes', '/console?a=1', '/console/a%5Cb'])(
  '%s is kept whole',
  (text) => expect(destinationOf(text)).toBe(text),
);
