import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HUFFMAN_LENGTHS, decodeHuffman, huffmanCodes } from './huffman.js';

const codes = huffmanCodes();

/** A simple encoder: a string of bits. `pad` fills the last octet. */
function encode(symbols: Iterable<number>, pad = '1'): Buffer {
  let bits = '';
  for (const symbol of symbols) bits += codes[symbol]!.toString(2).padStart(HUFFMAN_LENGTHS[symbol]!, '0');
  while (bits.length % 8 !== 0) bits += pad;
  return Buffer.from(bits.match(/.{8}/g)?.map((octet) => parseInt(octet, 2)) ?? []);
}

function decode(bytes: Buffer): string | undefined {
  return decodeHuffman(bytes, 0, bytes.length);
}

describe('Huffman code', () => {
  it('is complete: the lengths fill the code space exactly', () => {
    expect(HUFFMAN_LENGTHS).toHaveLength(257);
    expect(HUFFMAN_LENGTHS.reduce((sum, bits) => sum + 2 ** -bits, 0)).toBe(1);
  });

  // From RFC 7541 Appendix B: the first and last code of some lengths.
  it.each([
    ['0'.charCodeAt(0), 0x0, 5],
    ['t'.charCodeAt(0), 0x9, 5],
    [' '.charCodeAt(0), 0x14, 6],
    ['Z'.charCodeAt(0), 0xfd, 8],
    ['!'.charCodeAt(0), 0x3f8, 10],
    ['\\'.charCodeAt(0), 0x7fff0, 19],
    [0, 0x1ff8, 13],
    [1, 0x7fffd8, 23],
    [255, 0x3ffffee, 26],
    [256, 0x3fffffff, 30],
  ])('gives symbol %i the code 0x%s of %i bits', (symbol, code, bits) => {
    expect([codes[symbol], HUFFMAN_LENGTHS[symbol]]).toEqual([code, bits]);
  });

  it('decodes any encoded text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        expect(decode(encode(octets))).toBe(Buffer.from(octets).toString('latin1'));
      }),
    );
  });

  it('decodes strings longer than its buffer', () => {
    expect(decode(encode(Buffer.alloc(20_000, '0')))).toBe('0'.repeat(20_000));
  });

  it('refuses EOS, padding of zeros and padding of eight bits', () => {
    expect(decode(encode([97, 256]))).toBeUndefined();
    expect(decode(encode([97], '0'))).toBeUndefined();
    expect(decode(Buffer.concat([encode([97]), Buffer.from([0xff])]))).toBeUndefined();
    expect(decode(Buffer.from([0xff]))).toBeUndefined();
    expect(decode(Buffer.alloc(0))).toBe('');
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
        const text = decode(Buffer.from(octets));
        expect(text === undefined || text.length <= octets.length * 2).toBe(true);
      }),
    );
  });
});
