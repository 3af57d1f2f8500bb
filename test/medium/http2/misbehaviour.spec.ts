import { describe, expect, it } from 'vitest';
import { makePeer, makePool, request } from './pools.js';
import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PADDED,
  PING,
  PRIORITY,
  PRIORITY_FLAG,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  answering,
  frameBytes,
  settingsPayload,
  u32,
  type RawConnection,
} from './raw-peer.js';
import { until } from './until.js';

const PROTOCOL_ERROR = 1;
const FLOW_CONTROL_ERROR = 3;
const STREAM_CLOSED = 5;
const FRAME_SIZE_ERROR = 6;
const COMPRESSION_ERROR = 9;
const ENHANCE_YOUR_CALM = 11;

const OK = Buffer.from([0x20, 0x88]);
const nothing = Buffer.alloc(0);

/** A literal field without indexing. */
function field(name: string, value: string): Buffer {
  const text = (s: string): Buffer => {
    const length = s.length < 127 ? [s.length] : [127, ((s.length - 127) & 127) | 128, (s.length - 127) >> 7];
    return Buffer.concat([Buffer.from(length), Buffer.from(s, 'latin1')]);
  };
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

function flood(c: RawConnection, frame: Buffer): void {
  for (let i = 0; i < 21; i++) c.socket.write(Buffer.concat(Array.from({ length: 1000 }, () => frame)));
}

/** Each case breaks the connection: the peer's action with stream 1 open, and the expected code of our GOAWAY. */
const connectionErrors: [string, number, (c: RawConnection) => void][] = [
  ['a frame over 16,384 bytes', FRAME_SIZE_ERROR, (c) => c.send(DATA, 0, 1, Buffer.alloc(16_385))],
  ['PING of 7 bytes', FRAME_SIZE_ERROR, (c) => c.send(PING, 0, 0, Buffer.alloc(7))],
  ['PING on a stream', PROTOCOL_ERROR, (c) => c.send(PING, 0, 1, Buffer.alloc(8))],
  ['RST_STREAM of 3 bytes', FRAME_SIZE_ERROR, (c) => c.send(RST_STREAM, 0, 1, Buffer.alloc(3))],
  ['RST_STREAM on stream 0', PROTOCOL_ERROR, (c) => c.send(RST_STREAM, 0, 0, u32(0))],
  ['RST_STREAM on an idle stream', PROTOCOL_ERROR, (c) => c.send(RST_STREAM, 0, 99, u32(0))],
  ['PRIORITY of 4 bytes', FRAME_SIZE_ERROR, (c) => c.send(PRIORITY, 0, 1, u32(0))],
  ['GOAWAY of 7 bytes', FRAME_SIZE_ERROR, (c) => c.send(GOAWAY, 0, 0, Buffer.alloc(7))],
  ['GOAWAY on a stream', PROTOCOL_ERROR, (c) => c.send(GOAWAY, 0, 1, u32(0, 0))],
  ['GOAWAY that raises its last id', PROTOCOL_ERROR, (c) => [1, 3].forEach((last) => c.goAway(last))],
  ['SETTINGS of 5 bytes', FRAME_SIZE_ERROR, (c) => c.send(SETTINGS, 0, 0, Buffer.alloc(5))],
  ['SETTINGS on a stream', PROTOCOL_ERROR, (c) => c.send(SETTINGS, 0, 1)],
  ['a SETTINGS acknowledgement with a payload', FRAME_SIZE_ERROR, (c) => c.send(SETTINGS, ACK, 0, Buffer.alloc(6))],
  ['a second SETTINGS acknowledgement', PROTOCOL_ERROR, (c) => c.send(SETTINGS, ACK, 0)],
  ['ENABLE_PUSH 1', PROTOCOL_ERROR, (c) => c.send(SETTINGS, 0, 0, settingsPayload([2, 1]))],
  ['INITIAL_WINDOW_SIZE 2^31', FLOW_CONTROL_ERROR, (c) => c.send(SETTINGS, 0, 0, settingsPayload([4, 2 ** 31]))],
  ['MAX_FRAME_SIZE 16,383', PROTOCOL_ERROR, (c) => c.send(SETTINGS, 0, 0, settingsPayload([5, 16_383]))],
  ['WINDOW_UPDATE of 3 bytes', FRAME_SIZE_ERROR, (c) => c.send(WINDOW_UPDATE, 0, 0, Buffer.alloc(3))],
  ['WINDOW_UPDATE of 0', PROTOCOL_ERROR, (c) => c.send(WINDOW_UPDATE, 0, 0, u32(0))],
  ['WINDOW_UPDATE on an idle stream', PROTOCOL_ERROR, (c) => c.send(WINDOW_UPDATE, 0, 5, u32(1))],
  ['overflow of the connection window', FLOW_CONTROL_ERROR, (c) => c.send(WINDOW_UPDATE, 0, 0, u32(0x7fff_ffff))],
  [
    'overflow of a stream window by SETTINGS',
    FLOW_CONTROL_ERROR,
    (c) => {
      c.send(WINDOW_UPDATE, 0, 1, u32(0x7fff_ffff - 65_535));
      c.send(SETTINGS, 0, 0, settingsPayload([4, 0x7fff_ffff]));
    },
  ],
  ['HEADERS on stream 0', PROTOCOL_ERROR, (c) => c.send(HEADERS, 5, 0, OK)],
  ['HEADERS on an even stream', PROTOCOL_ERROR, (c) => c.send(HEADERS, 5, 2, OK)],
  ['HEADERS on an idle stream', PROTOCOL_ERROR, (c) => c.send(HEADERS, 5, 77, OK)],
  ['DATA on stream 0', PROTOCOL_ERROR, (c) => c.send(DATA, 0, 0, u32(1))],
  ['DATA on an idle stream', PROTOCOL_ERROR, (c) => c.send(DATA, 0, 3, u32(1))],
  ['PUSH_PROMISE', PROTOCOL_ERROR, (c) => c.send(PUSH_PROMISE, 4, 1, Buffer.concat([u32(2), OK]))],
  ['CONTINUATION without HEADERS', PROTOCOL_ERROR, (c) => c.send(CONTINUATION, 4, 1, OK)],
  [
    'another frame inside a field block',
    PROTOCOL_ERROR,
    (c) => {
      c.send(HEADERS, END_STREAM, 1, OK);
      c.send(PING, 0, 0, Buffer.alloc(8));
    },
  ],
  [
    'CONTINUATION of another stream',
    PROTOCOL_ERROR,
    (c) => {
      c.send(HEADERS, END_STREAM, 1, OK);
      c.send(CONTINUATION, END_HEADERS, 3, nothing);
    },
  ],
  ['padding longer than DATA', PROTOCOL_ERROR, (c) => c.send(DATA, PADDED, 1, Buffer.from([4, 1, 1, 1]))],
  ['padding longer than HEADERS', PROTOCOL_ERROR, (c) => c.send(HEADERS, PADDED | 5, 1, Buffer.from([3, 0x20, 0x88]))],
  ['padded DATA without a pad length', FRAME_SIZE_ERROR, (c) => c.send(DATA, PADDED, 1)],
  ['HEADERS too short for their priority', PROTOCOL_ERROR, (c) => c.send(HEADERS, PRIORITY_FLAG | 5, 1, u32(0))],
  ['an index outside of the tables', COMPRESSION_ERROR, (c) => c.send(HEADERS, 5, 1, Buffer.from([0x88, 0xbe]))],
  ['index 0', COMPRESSION_ERROR, (c) => c.send(HEADERS, 5, 1, Buffer.from([0x80]))],
  ['a field that ends early', COMPRESSION_ERROR, (c) => c.send(HEADERS, 5, 1, Buffer.from([0x88, 0x00, 0x05, 0x61]))],
  ['a bad Huffman code', COMPRESSION_ERROR, (c) => c.send(HEADERS, 5, 1, Buffer.from([0x88, 0x0f, 0x00, 0x81, 0x00]))],
  ['a table larger than our limit', COMPRESSION_ERROR, (c) => c.send(HEADERS, 5, 1, Buffer.from([0x21, 0x88]))],
  ['a table size update inside a block', COMPRESSION_ERROR, (c) => c.send(HEADERS, 5, 1, Buffer.from([0x88, 0x20]))],
  [
    'an entry kept after the table was cleared',
    COMPRESSION_ERROR,
    (c) => c.send(HEADERS, 5, 1, Buffer.concat([OK, Buffer.from([0x40, 1, 0x61, 1, 0x62]), Buffer.from([0xbe])])),
  ],
  [
    'a field block of 80 kB',
    ENHANCE_YOUR_CALM,
    (c) => {
      c.send(HEADERS, 0, 1, OK);
      for (let i = 0; i < 5; i++) c.send(CONTINUATION, 0, 1, Buffer.alloc(16_384, field('a', 'b')));
    },
  ],
  [
    'HEADERS after the end of the stream',
    STREAM_CLOSED,
    (c) => {
      c.answer(1);
      c.answer(1);
    },
  ],
  [
    'DATA after the end of the stream',
    STREAM_CLOSED,
    (c) => {
      c.answer(1);
      c.send(DATA, END_STREAM, 1, u32(1));
    },
  ],
  ['a flood of PING', ENHANCE_YOUR_CALM, (c) => flood(c, frameBytes(PING, 0, 0, Buffer.alloc(8)))],
  ['a flood of SETTINGS', ENHANCE_YOUR_CALM, (c) => flood(c, frameBytes(SETTINGS, 0, 0))],
  ['a flood of RST_STREAM', ENHANCE_YOUR_CALM, (c) => flood(c, frameBytes(RST_STREAM, 0, 1, u32(8)))],
  ['a flood of WINDOW_UPDATE', ENHANCE_YOUR_CALM, (c) => flood(c, frameBytes(WINDOW_UPDATE, 0, 0, u32(1)))],
  ['a flood of unknown frames', ENHANCE_YOUR_CALM, (c) => flood(c, frameBytes(0xfa, 0, 0))],
  [
    'a flood of empty DATA',
    ENHANCE_YOUR_CALM,
    (c) => {
      c.send(HEADERS, END_HEADERS, 1, OK);
      flood(c, frameBytes(DATA, 0, 1));
    },
  ],
  [
    'a flood of empty CONTINUATION',
    ENHANCE_YOUR_CALM,
    (c) => {
      c.send(HEADERS, 0, 1, OK);
      flood(c, frameBytes(CONTINUATION, 0, 1));
    },
  ],
];

describe('a peer that violates the protocol', () => {
  it.each(connectionErrors)('loses the connection: %s', async (_name, code, misbehave) => {
    const peer = await makePeer((c, n) => {
      if (n > 0) return answering()(c);
      c.open();
      c.onFrame = ({ type }) => {
        if (type === HEADERS) misbehave(c);
      };
    });
    const pool = makePool({ origin: peer.origin });
    const result = await pool.send(request());
    await until('a goodbye', () => peer.connections[0]!.goodbye !== undefined);
    expect(peer.connections[0]!.goodbye).toBe(code);
    expect(['ambiguous', 'answered']).toContain(result.kind);
    expect(await pool.send(request())).toMatchObject({ kind: 'answered', connection: 2 });
    await until('its socket gone', () => pool.stats().connections === 1);
  });
});

/** Each case spoils one answer: the bytes on stream 1, and the expected code of our RST_STREAM. */
const streamErrors: [string, number, (c: RawConnection) => void][] = [
  ['no :status', PROTOCOL_ERROR, (c) => c.send(HEADERS, 5, 1, field('a', '200'))],
  ['an empty field block', PROTOCOL_ERROR, (c) => c.send(HEADERS, 5, 1, nothing)],
  ['two :status', PROTOCOL_ERROR, (c) => c.send(HEADERS, 5, 1, Buffer.from([0x88, 0x89]))],
  ['a status that is not a number', PROTOCOL_ERROR, (c) => c.send(HEADERS, 5, 1, field(':status', '2xx'))],
  ['status 101', PROTOCOL_ERROR, (c) => c.send(HEADERS, 4, 1, field(':status', '101'))],
  ['a pseudo-header of requests', PROTOCOL_ERROR, (c) => c.send(HEADERS, 5, 1, Buffer.from([0x88, 0x83]))],
  ['an upper-case name', PROTOCOL_ERROR, (c) => c.send(HEADERS, 5, 1, Buffer.concat([OK, field('Server', 'x')]))],
  ['a line break in a value', PROTOCOL_ERROR, (c) => c.send(HEADERS, 5, 1, Buffer.concat([OK, field('a', 'b\r\nc')]))],
  [
    'connection: close',
    PROTOCOL_ERROR,
    (c) => c.send(HEADERS, 5, 1, Buffer.concat([OK, field('connection', 'close')])),
  ],
  [
    'a bad content-length',
    PROTOCOL_ERROR,
    (c) => c.send(HEADERS, 5, 1, Buffer.concat([OK, field('content-length', '-1')])),
  ],
  [
    'a body shorter than its content-length',
    PROTOCOL_ERROR,
    (c) => {
      c.send(HEADERS, END_HEADERS, 1, Buffer.concat([OK, field('content-length', '10')]));
      c.send(DATA, END_STREAM, 1, Buffer.from('short'));
    },
  ],
  ['DATA before HEADERS', PROTOCOL_ERROR, (c) => c.send(DATA, END_STREAM, 1, u32(0))],
  ['status 103 that ends the stream', PROTOCOL_ERROR, (c) => c.send(HEADERS, 5, 1, field(':status', '103'))],
  [
    'trailers that do not end the stream',
    PROTOCOL_ERROR,
    (c) => {
      c.send(HEADERS, END_HEADERS, 1, OK);
      c.send(HEADERS, END_HEADERS, 1, field('a', 'b'));
    },
  ],
  [
    'a pseudo-header in trailers',
    PROTOCOL_ERROR,
    (c) => {
      c.send(HEADERS, END_HEADERS, 1, OK);
      c.send(HEADERS, 5, 1, OK);
    },
  ],
  [
    'seventeen informational answers',
    ENHANCE_YOUR_CALM,
    (c) => {
      for (let i = 0; i < 17; i++) c.send(HEADERS, END_HEADERS, 1, field(':status', '103'));
    },
  ],
  [
    'a header list of 70 kB',
    8,
    (c) => c.send(HEADERS, 5, 1, Buffer.concat([OK, ...Array.from({ length: 2100 }, () => field('a', 'b'))])),
  ],
  ['WINDOW_UPDATE of 0', PROTOCOL_ERROR, (c) => c.send(WINDOW_UPDATE, 0, 1, u32(0))],
  ['overflow of the stream window', FLOW_CONTROL_ERROR, (c) => c.send(WINDOW_UPDATE, 0, 1, u32(0x7fff_ffff))],
];

describe('a peer that spoils one answer', () => {
  it.each(streamErrors)('loses the stream, not the connection: %s', async (name, code, misbehave) => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type, id, flags }) => {
        if (type === HEADERS && id === 1) misbehave(c);
        if (type === DATA && id > 1 && (flags & END_STREAM) !== 0) c.answer(id);
      };
    });
    const pool = makePool({ origin: peer.origin });
    const result = await pool.send(request());
    expect(result.kind, name).toBe('ambiguous');
    const [c] = peer.connections;
    await until('a reset', () => c!.of(RST_STREAM).length === 1);
    expect(c!.of(RST_STREAM)[0]).toMatchObject({ id: 1, payload: u32(code) });
    expect(await pool.send(request())).toMatchObject({ kind: 'answered', connection: 1 });
  });
});

describe('unusual but allowed behaviour', () => {
  it.each<[string, (c: RawConnection) => void]>([
    [
      'padding and priority',
      (c) => c.send(HEADERS, PADDED | PRIORITY_FLAG | 5, 1, Buffer.from([2, 0, 0, 0, 0, 9, 0x20, 0x88, 0, 0])),
    ],
    [
      'unknown frames and PRIORITY',
      (c) => (c.send(0xb, 7, 1, u32(1)), c.send(PRIORITY, 0, 3, Buffer.alloc(5)), c.answer(1)),
    ],
    [
      'a field block of single bytes',
      (c) => {
        c.send(HEADERS, END_STREAM, 1, OK.subarray(0, 1));
        c.send(CONTINUATION, 0, 1, nothing);
        c.send(CONTINUATION, END_HEADERS, 1, OK.subarray(1));
      },
    ],
    ['status 103 before the answer', (c) => (c.send(HEADERS, END_HEADERS, 1, field(':status', '103')), c.answer(1))],
    [
      'padded DATA and trailers',
      (c) => {
        c.send(HEADERS, END_HEADERS, 1, Buffer.concat([OK, field('content-length', '2')]));
        c.send(DATA, PADDED, 1, Buffer.from([3, 0x6f, 0x6b, 0, 0, 0]));
        c.send(HEADERS, 5, 1, field('checksum', 'x'));
      },
    ],
    [
      'one byte at a time',
      (c) => {
        for (const byte of frameBytes(HEADERS, 5, 1, OK)) c.socket.write(Buffer.from([byte]));
      },
    ],
    ['a reserved bit in the stream id', (c) => c.send(HEADERS, 5, 0x8000_0001, OK)],
  ])('%s', async (_name, answer) => {
    const peer = await makePeer((c) => {
      c.open();
      c.onFrame = ({ type }) => {
        if (type === HEADERS) answer(c);
      };
    });
    expect(await makePool({ origin: peer.origin }).send(request())).toMatchObject({ kind: 'answered', status: 200 });
  });

  it('a header table in answers sent before the peer knew our settings', async () => {
    const peer = await makePeer((c) => {
      c.send(SETTINGS, 0, 0);
      c.onFrame = ({ type, id }) => {
        if (type !== HEADERS) return;
        // The first enters `a: b` into the table, the second refers to it, the third comes after the acknowledgement.
        if (id === 1) c.send(HEADERS, 5, id, Buffer.from([0x88, 0x40, 1, 0x61, 1, 0x62]));
        if (id === 3) c.send(HEADERS, 5, id, Buffer.from([0x88, 0xbe]));
        if (id !== 5) return;
        c.send(SETTINGS, ACK, 0);
        c.answer(5);
      };
    });
    const pool = makePool({ origin: peer.origin });
    const results = await Promise.all([1, 2, 3].map(() => pool.send(request())));
    expect(results.map((r) => (r.kind === 'answered' ? { ...r.headers } : r))).toEqual([{ a: 'b' }, { a: 'b' }, {}]);
  });
});
