import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './hpack-decoder.js';
import { HpackEncoder } from './hpack-encoder.js';
import type { Header, PushRequest } from './push.js';

function makeRequest(constant: readonly Header[], headers?: readonly Header[], path = '/3/device/a'): PushRequest {
  return { path, constant, headers, body: Buffer.from('{}') };
}

/** Encoder and decoder of the two ends of a connection. */
class Ends {
  readonly encoder: HpackEncoder;
  readonly decoder = new HpackDecoder(1_000_000);

  constructor(...never: string[]) {
    this.encoder = new HpackEncoder('https', 'push.example', new Set(never));
  }

  encode(request: PushRequest): Buffer {
    const bytes = Buffer.alloc(this.encoder.bound(request));
    return bytes.subarray(0, this.encoder.encode(request, bytes, 0));
  }

  send(request: PushRequest): { bytes: Buffer; list: string[] } {
    const bytes = this.encode(request);
    return { bytes, list: this.decoder.decode(bytes, 0, bytes.length) };
  }
}

function expected({ path, constant, headers, body }: PushRequest): string[] {
  return [
    ':method',
    'POST',
    ':scheme',
    'https',
    ':path',
    path,
    ':authority',
    'push.example',
    ...constant.flat(),
    ...(headers ?? []).flat(),
    'content-length',
    String(body.length),
  ];
}

const constant: Header[] = [
  ['authorization', `bearer ${'a'.repeat(200)}`],
  ['apns-topic', 'com.example'],
  ['apns-push-type', 'alert'],
];

describe('HpackEncoder', () => {
  it('encodes constants in one octet each after the first request', () => {
    const ends = new Ends();
    const sizes = [1, 2, 3].map(() => {
      const { bytes, list } = ends.send(makeRequest(constant));
      expect(list).toEqual(expected(makeRequest(constant)));
      return bytes.length;
    });
    // Method, scheme, path (2 + 11), authority and three constants, content-length (2 + 2).
    expect(sizes.slice(1)).toEqual([2 + 13 + 4 + 4, 2 + 13 + 4 + 4]);
    expect(sizes[0]).toBeGreaterThan(250);
  });

  it('encodes sensitive headers as never indexed', () => {
    const ends = new Ends('authorization', 'secret');
    const request = makeRequest(constant, [['secret', 'shh']]);
    const blocks = [1, 2, 3].map(() => ends.send(request));
    for (const { bytes, list } of blocks) {
      expect(list).toEqual(expected(request));
      expect(bytes.toString('latin1')).toContain(`bearer ${'a'.repeat(200)}`);
      // 0x1f 0x08: never indexed, name 23 of the static table (authorization); 0x10: never indexed, literal name.
      expect(bytes.includes(Buffer.from([0x1f, 23 - 15]))).toBe(true);
      expect(bytes.includes(Buffer.from('\x10\x06secret\x03shh', 'latin1'))).toBe(true);
    }
  });

  it('always writes the path as a literal without indexing', () => {
    const ends = new Ends();
    ends.send(makeRequest(constant));
    expect(ends.encode(makeRequest(constant)).subarray(2, 4)).toEqual(Buffer.from([0x04, 11]));
  });

  it('adds the name of a per-request header once, and then refers to its index', () => {
    const ends = new Ends();
    const sizes = ['one', 'two', 'six'].map((id) => {
      const request = makeRequest(constant, [['apns-collapse-id', id]]);
      const { bytes, list } = ends.send(request);
      expect(list).toEqual(expected(request));
      return bytes.length;
    });
    expect(sizes[2]! - ends.send(makeRequest(constant)).bytes.length).toBe(2 + 4);
  });

  it('follows a peer that reduces its table, and a peer without one', () => {
    const ends = new Ends();
    ends.send(makeRequest(constant));
    ends.encoder.resize(100);
    ends.decoder.lowerLimit(100);
    const { bytes, list } = ends.send(makeRequest(constant));
    expect(bytes.subarray(0, 3)).toEqual(Buffer.from([0x20, 0x3f, 100 - 31]));
    expect(list).toEqual(expected(makeRequest(constant)));
    ends.encoder.resize(0);
    ends.decoder.lowerLimit(0);
    for (let i = 0; i < 3; i++) expect(ends.send(makeRequest(constant)).list).toEqual(expected(makeRequest(constant)));
  });

  it('empties the table when old constants fill it, but not repeatedly', () => {
    const ends = new Ends();
    const tokens = Array.from({ length: 12 }, (_, i): Header[] => [['authorization', String(i % 10).repeat(900 + i)]]);
    let resets = 0;
    for (let i = 0; i < 25_000; i++) {
      const request = makeRequest(tokens[i % 12]!);
      const { bytes, list } = ends.send(request);
      if (bytes[0] === 0x20) resets++;
      if (i % 97 === 0) expect(list).toEqual(expected(request));
    }
    expect(resets).toBeGreaterThan(0);
    expect(resets).toBeLessThan(5);
  });

  it('indexes a new token after the old ones filled the table', () => {
    const ends = new Ends();
    let last = 0;
    for (let hour = 0; hour < 30; hour++) {
      const hourly: Header[] = [['authorization', `bearer ${'t'.repeat(1000)}${hour}`]];
      for (let i = 0; i < 10_001; i++) last = ends.encode(makeRequest(hourly)).length;
    }
    expect(last).toBeLessThan(60);
  });

  it('any sequence of requests is decoded correctly, within its bound', () => {
    const name = fc.stringMatching(/^[a-z][a-z-]{0,20}$/).filter((n) => n !== 'content-length');
    const value = fc.string({
      maxLength: 300,
      unit: fc.integer({ min: 32, max: 126 }).map((c) => String.fromCharCode(c)),
    });
    const header = fc.tuple(fc.oneof(name, fc.constantFrom('authorization', 'topic', 'ttl')), value);
    const headers = fc.array(header, { maxLength: 6 });
    const step = fc.record({
      which: fc.nat(3),
      headers: fc.option(headers, { nil: undefined }),
      path: fc.stringMatching(/^\/[a-z0-9]{0,200}$/),
      resize: fc.option(fc.constantFrom(0, 50, 300, 4096, 65_536), { nil: undefined, freq: 5 }),
    });
    fc.assert(
      fc.property(
        fc.array(headers, { minLength: 4, maxLength: 4 }),
        fc.array(step, { maxLength: 30 }),
        (sets, steps) => {
          const ends = new Ends('authorization');
          for (const { which, headers: own, path, resize } of steps) {
            if (resize !== undefined) ends.encoder.resize(resize);
            const request = makeRequest(sets[which]!, own, path);
            expect(ends.send(request).list).toEqual(expected(request));
          }
        },
      ),
    );
  });
});
