import { describe, expect, it } from 'vitest';
import { checkPercentEncoding, readUtf8 } from './text.js';

describe('readUtf8', () => {
  it.each<[string, number[], string]>([
    ['UTF-8', [0x63, 0x61, 0x66, 0xc3, 0xa9], 'café'],
    ['UTF-8 behind a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d], '{}'],
    ['nothing', [], ''],
  ])('readUtf8 reads %s', (_what, bytes, text) => {
    expect(readUtf8(Buffer.from(bytes))).toBe(text);
  });

  it.each<[string, number[]]>([
    ['ISO 8859-1', [0x63, 0x61, 0x66, 0xe9]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
    ['half a character', [0x61, 0xc3]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a NUL in two bytes', [0xc0, 0x80]],
  ])('readUtf8 refuses %s', (_what, bytes) => {
    expect(() => readUtf8(Buffer.from(bytes), 'line')).toThrow('The line is not valid UTF-8.');
  });
});

describe('checkPercentEncoding', () => {
  it.each(['a', 'ren%C3%A9', 'ren%c3%a9', '100%', '%zz', '50%25'])('checkPercentEncoding accepts %s', (text) => {
    expect(() => checkPercentEncoding(text, 'address')).not.toThrow();
  });

  it.each(['ren%E9', '%ff', '%ed%a0%80', '%C3', '%zz%E8'])('checkPercentEncoding refuses %s', (text) => {
    expect(() => checkPercentEncoding(text, 'address')).toThrow('percent-encoded bytes that are not valid UTF-8');
  });
});
