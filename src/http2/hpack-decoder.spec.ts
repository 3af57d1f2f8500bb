import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionError, StreamError } from './frames.js';
import { HpackDecoder } from './hpack-decoder.js';

function decode(decoder: HpackDecoder, hex: string): string[] {
  const bytes = Buffer.from(hex.replace(/\s/g, ''), 'hex');
  return decoder.decode(bytes, 0, bytes.length);
}

function fields(...pairs: string[]): string[] {
  return pairs.flatMap((pair) => {
    const at = pair.indexOf(': ', 1);
    return [pair.slice(0, at), pair.slice(at + 2)];
  });
}

const first = fields(':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com');
const second = [...first, ...fields('cache-control: no-cache')];
const third = fields(
  ':method: GET',
  ':scheme: https',
  ':path: /index.html',
  ':authority: www.example.com',
  'custom-key: custom-value',
);

const date1 = 'date: Mon, 21 Oct 2013 20:13:21 GMT';
const date2 = 'date: Mon, 21 Oct 2013 20:13:22 GMT';
const cookie = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const location = 'location: https://www.example.com';
const answers = [
  fields(':status: 302', 'cache-control: private', date1, location),
  fields(':status: 307', 'cache-control: private', date1, location),
  fields(':status: 200', 'cache-control: private', date2, location, 'content-encoding: gzip', cookie),
];

describe('RFC 7541 Appendix C', () => {
  it.each([
    ['C.2.1', '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key', 'custom-header']],
    ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path']],
    ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret']],
    ['C.2.4', '82', [':method', 'GET']],
  ])('%s: decodes one field', (_section, hex, expected) => {
    expect(decode(new HpackDecoder(65_536), hex)).toEqual(expected);
  });

  it.each([
    [
      'C.3',
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
    ],
    [
      'C.4',
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
    ],
  ])('%s: decodes the requests of one connection', (_section, blocks) => {
    const decoder = new HpackDecoder(65_536);
    expect(blocks.map((block) => decode(decoder, block))).toEqual([first, second, third]);
  });

  it.each([
    [
      'C.5',
      [
        `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e
         1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        '4803 3330 37c1 c0bf',
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d
         4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572
         7369 6f6e 3d31`,
      ],
    ],
    [
      'C.6',
      [
        `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b
         97c8 e9ae 82ae 43d3`,
        '4883 640e ffc1 c0bf',
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf
         cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
      ],
    ],
  ])('%s: decodes answers with a table of 256 bytes, which evicts', (_section, blocks) => {
    const decoder = new HpackDecoder(65_536);
    decoder.lowerLimit(256);
    expect(blocks.map((block) => decode(decoder, block))).toEqual(answers);
  });
});

describe('HpackDecoder', () => {
  it('reads the integer of C.1.2, and refuses integers over 28 bits', () => {
    // Index 1337 does not exist, so the number shows in the message.
    expect(() => decode(new HpackDecoder(1000), 'ff ba09')).toThrow('no table entry 1337');
    expect(() => decode(new HpackDecoder(1000), 'ff ff ff ff ff 7f')).toThrow('integer over 28 bits');
    expect(() => decode(new HpackDecoder(1000), 'ff ff')).toThrow('ends inside a field');
  });

  it('throws for a list over its limit and keeps its table correct', () => {
    const decoder = new HpackDecoder(100);
    const large = `40 01 61 50 ${'62'.repeat(80)}`;
    expect(() => decode(decoder, large)).toThrow(StreamError);
    expect(() => decode(decoder, 'be')).toThrow(StreamError);
    expect(decode(decoder, '88')).toEqual([':status', '200']);
  });

  it('empties the table for an entry larger than the table', () => {
    const decoder = new HpackDecoder(65_536);
    decode(decoder, '40 01 61 01 62');
    expect(decode(decoder, 'be')).toEqual(['a', 'b']);
    decode(decoder, `40 01 63 7f b1 1f ${'64'.repeat(4144)}`);
    expect(() => decode(decoder, 'be')).toThrow('no table entry 62');
  });

  it('drops the table when the peer has acknowledged its removal', () => {
    const decoder = new HpackDecoder(65_536);
    decode(decoder, '40 01 61 01 62');
    expect(decoder.stateless).toBe(false);
    decoder.lowerLimit(0);
    expect(decoder.stateless).toBe(true);
    expect(() => decode(decoder, 'be')).toThrow(ConnectionError);
    expect(decode(decoder, '20 40 01 61 01 62')).toEqual(['a', 'b']);
    expect(() => decode(decoder, 'be')).toThrow('COMPRESSION_ERROR: no table entry 62');
  });

  it('returns a list or throws one of its two errors for any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 5 }), fc.boolean(), (blocks, stateless) => {
        const decoder = new HpackDecoder(500);
        if (stateless) decoder.lowerLimit(0);
        for (const block of blocks) {
          try {
            expect(decoder.decode(Buffer.from(block), 0, block.length).length % 2).toBe(0);
          } catch (error) {
            expect(error instanceof ConnectionError || error instanceof StreamError).toBe(true);
          }
        }
      }),
    );
  });
});

describe('texts that were in the last block at the same position', () => {
  /** A literal without indexing, name and value as plain octets (RFC 7541 §6.2.2). */
  const field = (name: string, value: string): Buffer =>
    Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);

  it('every block has its own texts, whatever the blocks before had', () => {
    const decoder = new HpackDecoder(65_536);
    const text = fc.constantFrom('a', 'b', 'ab', 'server', 'nginx', 'x'.repeat(100), 'y'.repeat(126), '');
    const block = fc.array(fc.tuple(text, text), { maxLength: 40 });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 30 }), (blocks) => {
        for (const fields of blocks) {
          const bytes = Buffer.concat(fields.map(([name, value]) => field(name, value)));
          expect(decoder.decode(bytes, 0, bytes.length)).toEqual(fields.flat());
        }
      }),
    );
  });

  it('a text in Huffman code is not taken for the same octets in plain', () => {
    const decoder = new HpackDecoder(65_536);
    // RFC 7541 C.4.1: www.example.com.
    const coded = Buffer.from('f1e3c2e5f23a6ba0ab90f4ff', 'hex');
    const decode = (flag: number): string[] => {
      const block = Buffer.concat([Buffer.of(0, 1, 0x61, flag | coded.length), coded]);
      return decoder.decode(block, 0, block.length);
    };
    expect(decode(0x80)).toEqual(['a', 'www.example.com']);
    expect(decode(0)).toEqual(['a', coded.toString('latin1')]);
    expect(decode(0x80)).toEqual(['a', 'www.example.com']);
  });
});
