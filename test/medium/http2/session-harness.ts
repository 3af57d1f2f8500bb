import fc from 'fast-check';
import { Exchange } from '../../../src/http2/exchange.js';
import { ConnectionError } from '../../../src/http2/frames.js';
import { FrameWriter } from '../../../src/http2/frame-writer.js';
import { HpackEncoder } from '../../../src/http2/hpack-encoder.js';
import type { PushResult } from '../../../src/http2/push.js';
import { Session } from '../../../src/http2/session.js';
import * as raw from './raw-peer.js';

/** A session without a socket: collects its frames and notes the outcome of each request. */
export class SessionHarness {
  readonly written: raw.RawFrame[] = [];
  /** Outcomes of each request, by path. More than one is a bug. */
  readonly outcomes = new Map<string, (PushResult['kind'] | 'taken back')[]>();
  readonly results: PushResult[] = [];
  opened = false;
  goingAway = false;
  error: ConnectionError | undefined;
  /** How often the peer widened the connection's window. */
  windowGrants = 0;
  readonly session: Session;
  private readonly out: FrameWriter;
  private stream: Buffer = Buffer.alloc(0);
  private readonly streams: { id: number; path: string }[] = [];

  constructor(options: { primer?: boolean; firstStreamId?: number } = {}) {
    this.out = new FrameWriter((bytes, done) => {
      this.collect(bytes);
      done();
    });
    this.session = new Session(
      { id: 1, primer: options.primer ?? false, firstStreamId: options.firstStreamId ?? 1 },
      this.out,
      new HpackEncoder('https', 'push.example', new Set()),
      {
        sessionOpened: () => (this.opened = true),
        sessionProven: () => {},
        sessionGoesAway: () => (this.goingAway = true),
        peerWentAway: () => {},
        takeBack: (exchange) => this.outcomes.get(exchange.request.path)!.push('taken back'),
        troubled: () => {},
      },
    );
    this.session.begin();
    this.flush();
  }

  /** Starts a request if there is room. */
  start(bodyBytes: number, deadline = Infinity): void {
    if (this.error !== undefined || !this.opened || this.goingAway || !this.session.hasRoom) return;
    const path = `/${this.streams.length}`;
    this.streams.push({ id: this.session.nextId, path });
    this.outcomes.set(path, []);
    const request = { path, constant: [], body: new Uint8Array(bodyBytes) };
    const settle = (result: PushResult): void => {
      this.outcomes.get(path)!.push(result.kind);
      this.results.push(result);
    };
    this.session.start(new Exchange(request, 1000, deadline, settle));
  }

  /** The stream id of a step: a negative one counts through the open streams; undefined if none is open. */
  resolve(id: number): number | undefined {
    if (id >= 0) return id;
    const open = this.streams.filter((stream) => this.outcomes.get(stream.path)!.length === 0);
    return open[-id % open.length]?.id;
  }

  /** Bytes from the peer. An error other than ConnectionError is a bug and is thrown. */
  receive(bytes: Buffer): void {
    if (this.error !== undefined) return;
    try {
      this.session.receive(bytes);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.error = error;
    }
  }

  frame(type: number, flags: number, id: number, payload?: Buffer): void {
    this.receive(raw.frameBytes(type, flags, id, payload));
  }

  open(...pairs: [number, number][]): void {
    this.frame(raw.SETTINGS, 0, 0, raw.settingsPayload(...pairs));
    this.frame(raw.SETTINGS, raw.ACK, 0);
  }

  flush(): void {
    if (this.error !== undefined) return;
    this.session.beforeFlush();
    this.out.flush();
  }

  /** The connection ends: everything must be settled now, once. */
  end(): void {
    this.flush();
    this.session.end(Infinity, 'over');
    for (const [path, outcomes] of this.outcomes) {
      if (outcomes.length !== 1) throw new Error(`request ${path} was settled as [${outcomes.join(', ')}]`);
    }
    if (this.session.inFlight !== 0) throw new Error(`${this.session.inFlight} streams left`);
  }

  of(type: number): raw.RawFrame[] {
    return this.written.filter((frame) => frame.type === type);
  }

  private collect(bytes: Buffer): void {
    this.stream = Buffer.concat([this.stream, bytes]);
    if (this.written.length === 0) this.stream = this.stream.subarray(24);
    while (this.stream.length >= 9) {
      const end = 9 + this.stream.readUIntBE(0, 3);
      if (this.stream.length < end) throw new Error('half a frame was written');
      this.written.push({
        type: this.stream[3]!,
        flags: this.stream[4]!,
        id: this.stream.readUInt32BE(5),
        payload: this.stream.subarray(9, end),
      });
      this.stream = this.stream.subarray(end);
    }
  }
}

type Step =
  | { do: 'request'; body: number }
  | { do: 'frame'; type: number; flags: number; id: number; payload: Uint8Array }
  | { do: 'split'; id: number; parts: Uint8Array[] }
  | { do: 'garbage'; bytes: Uint8Array }
  | { do: 'flush' }
  | { do: 'expire' };

/** Field blocks: valid, cut, long, with table changes, or noise. */
const block: fc.Arbitrary<Uint8Array> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .constantFrom('2088', '88', '8d', '208801', '2088be', '88400161016258', '0f0d0132', '880f0d0132', '480333303220')
      .map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))),
  },
  {
    weight: 9,
    arbitrary: fc.constantFrom('88', '2088', '20885c0132').map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
);

const number32 = fc.constantFrom(0, 1, 2, 7, 8, 100, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff);
/** Negative: the nth open stream, so that most frames have a meaning. */
const id = fc.oneof(
  { weight: 40, arbitrary: fc.integer({ min: -6, max: -1 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 6 }).map((n) => 2 * n + 1) },
  { weight: 1, arbitrary: fc.constantFrom(0, 2, 4, 99, 0x7fff_ffff) },
);
const anyFlags = fc.nat(255);
const mostly = (...values: number[]): fc.Arbitrary<number> =>
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: anyFlags });

function frameOf(
  type: number,
  flags: fc.Arbitrary<number>,
  ids: fc.Arbitrary<number>,
  payload: fc.Arbitrary<Uint8Array>,
): fc.Arbitrary<Step> {
  return fc.record({ do: fc.constant('frame' as const), type: fc.constant(type), flags, id: ids, payload });
}

const onConnection = fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: id });
const words = (n: number): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc.tuple(...Array.from({ length: n }, () => number32)).map((v) => Uint8Array.from(raw.u32(...v))),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }) },
  );
const increment = fc.oneof(
  { weight: 4, arbitrary: fc.constant(Uint8Array.of(0, 0, 1, 0)) },
  { weight: 1, arbitrary: words(1) },
);
const settings = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 8 }), number32), { maxLength: 3 })
  .map((pairs) => Uint8Array.from(raw.settingsPayload(...pairs)));

/** HEADERS without END_HEADERS; `play` adds the CONTINUATION. */
const split = fc.record({
  do: fc.constant('split' as const),
  id,
  parts: fc.array(block, { minLength: 1, maxLength: 3 }),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 120,
    arbitrary: fc.record({ do: fc.constant('request' as const), body: fc.constantFrom(0, 1, 300, 70_000) }),
  },
  { weight: 80, arbitrary: frameOf(raw.HEADERS, mostly(5, 5, 4), id, block) },
  { weight: 50, arbitrary: frameOf(raw.DATA, mostly(0, 1), id, fc.uint8Array({ maxLength: 60 })) },
  { weight: 20, arbitrary: frameOf(raw.RST_STREAM, anyFlags, id, words(1)) },
  { weight: 10, arbitrary: frameOf(raw.SETTINGS, mostly(0), onConnection, settings) },
  { weight: 10, arbitrary: frameOf(raw.PING, mostly(0, 1), onConnection, words(2)) },
  { weight: 3, arbitrary: frameOf(raw.GOAWAY, anyFlags, onConnection, words(2)) },
  { weight: 20, arbitrary: frameOf(raw.WINDOW_UPDATE, anyFlags, fc.oneof(onConnection, id), increment) },
  { weight: 10, arbitrary: split },
  { weight: 2, arbitrary: frameOf(raw.CONTINUATION, mostly(0, 4), id, block) },
  { weight: 10, arbitrary: frameOf(raw.PRIORITY, anyFlags, id, fc.uint8Array({ minLength: 5, maxLength: 5 })) },
  {
    weight: 5,
    arbitrary: fc.nat(255).chain((type) => frameOf(type, anyFlags, id, fc.uint8Array({ maxLength: 30 }))),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('garbage' as const), bytes: fc.uint8Array({ maxLength: 40 }) }),
  },
  { weight: 40, arbitrary: fc.constant({ do: 'flush' as const }) },
  { weight: 5, arbitrary: fc.constant({ do: 'expire' as const }) },
);

/** The frames of a peer, mostly legal for long enough to reach deep states, and how its bytes are cut into chunks. */
export const conversation = fc.record({
  primer: fc.boolean(),
  steps: fc.array(step, { maxLength: 60, size: 'max' }),
  cuts: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 }),
});

export type Conversation = typeof conversation extends fc.Arbitrary<infer T> ? T : never;

/** Plays a conversation and throws if an invariant of the session is violated. */
export function play({ primer, steps, cuts }: Conversation): SessionHarness {
  const harness = new SessionHarness({ primer });
  harness.open([3, 4]);
  harness.start(300);
  harness.start(0);
  let cut = 0;
  const feed = (bytes: Buffer): void => {
    for (let at = 0; at < bytes.length;) {
      const size = cuts[cut++ % cuts.length]!;
      // A copy that is wiped after use: a session that kept a view of a chunk would see it change.
      const chunk = Buffer.from(bytes.subarray(at, at + size));
      harness.receive(chunk);
      chunk.fill(0xee);
      at += size;
    }
  };
  for (const now of steps) {
    if (now.do === 'request') harness.start(now.body, steps.length % 2 === 0 ? 5 : Infinity);
    else if (now.do === 'frame') {
      const on = harness.resolve(now.id);
      if (on === undefined) continue;
      if (now.type === raw.WINDOW_UPDATE) harness.windowGrants++;
      feed(raw.frameBytes(now.type, now.flags, on, Buffer.from(now.payload)));
    } else if (now.do === 'split') {
      const on = harness.resolve(now.id);
      if (on === undefined) continue;
      now.parts.forEach((part, i) => {
        const [type, first] = i === 0 ? [raw.HEADERS, raw.END_STREAM] : [raw.CONTINUATION, 0];
        const last = i === now.parts.length - 1 ? raw.END_HEADERS : 0;
        feed(raw.frameBytes(type, first | last, on, Buffer.from(part)));
      });
    } else if (now.do === 'garbage') feed(Buffer.from(now.bytes));
    else if (now.do === 'flush') harness.flush();
    else if (harness.error === undefined) harness.session.expire(10);
  }
  harness.end();
  checkWritten(harness);
  return harness;
}

/** Our frames must be legal, whatever the peer does. */
function checkWritten(harness: SessionHarness): void {
  let lastId = -1;
  const done = new Set<number>();
  let dataBytes = 0;
  for (const { type, flags, id, payload } of harness.written) {
    if (payload.length > 16_384 && harness.error === undefined && type !== raw.DATA) throw new Error('frame too long');
    if (type === raw.HEADERS) {
      if (id <= lastId || id % 2 === 0) throw new Error(`stream ${id} after ${lastId}`);
      lastId = id;
    }
    if (type === raw.DATA) {
      if (done.has(id)) throw new Error(`DATA on stream ${id} after its end`);
      dataBytes += payload.length;
    }
    if (type === raw.RST_STREAM) done.add(id);
    if ((type === raw.HEADERS || type === raw.DATA) && (flags & raw.END_STREAM) !== 0) done.add(id);
  }
  if (dataBytes > 65_535 && harness.windowGrants === 0)
    throw new Error(`${dataBytes} bytes of DATA in 65,535 of window`);
}
