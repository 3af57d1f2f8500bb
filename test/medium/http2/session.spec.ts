import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as raw from './raw-peer.js';
import { SessionHarness, conversation, play, type Conversation } from './session-harness.js';

const OK = Buffer.from([0x20, 0x88]);

function frame(type: number, flags: number, id: number, hex = ''): Conversation['steps'][number] {
  return { do: 'frame', type, flags, id, payload: Buffer.from(hex, 'hex') };
}

const ask = { do: 'request', body: 300 } as const;
const askLarge = { do: 'request', body: 70_000 } as const;
const flush = { do: 'flush' } as const;
const expire = { do: 'expire' } as const;

/** Hand-written conversations for rare states; they run before the random ones. */
const corpus: [string, Conversation['steps']][] = [
  [
    'answer while the body waits for a window',
    [askLarge, flush, frame(1, 5, 1, '2088'), frame(8, 0, 0, '0000ffff'), flush],
  ],
  ['reset while the body waits', [askLarge, frame(3, 0, 1, '00000007'), frame(8, 0, 0, '0000ffff'), flush, ask]],
  [
    'a timeout, then the late answer',
    [ask, ask, flush, expire, frame(1, 4, 1, '2088'), frame(0, 1, 1, '61'), frame(1, 5, 3, '88')],
  ],
  [
    'a timeout between HEADERS and CONTINUATION',
    [ask, ask, frame(1, 1, 1, '20'), expire, frame(9, 4, 1, '88'), frame(6, 0, 0, '0'.repeat(16))],
  ],
  [
    'GOAWAY 0 with all streams open',
    [ask, ask, ask, askLarge, frame(7, 0, 0, '0000000000000000'), frame(1, 5, 1, '2088'), frame(1, 5, 3, '88')],
  ],
  ['GOAWAY inside a field block', [ask, frame(1, 1, 1, '20'), frame(7, 0, 0, '0000000000000000')]],
  [
    'window lowered below zero and raised',
    [
      askLarge,
      frame(4, 0, 0, '000400000000'),
      flush,
      frame(8, 0, 0, '7f000000'),
      frame(4, 0, 0, '000400ffffff'),
      flush,
    ],
  ],
  ['table used, acknowledged away, used again', [ask, ask, frame(1, 5, 1, '884001610162'), frame(1, 5, 3, '88be')]],
  ['streams limit zero and back', [frame(4, 0, 0, '000300000000'), ask, frame(4, 0, 0, '000300000002'), ask, ask, ask]],
  ['DATA and trailers after the end', [ask, frame(1, 5, 1, '2088'), frame(1, 5, 1, '')]],
];

describe('Session', () => {
  it.each(corpus)('keeps its invariants: %s', (_name, steps) => {
    for (const cuts of [[1000], [1], [9, 1]]) for (const primer of [false, true]) play({ primer, steps, cuts });
  });

  it('keeps its invariants for any peer', () => {
    fc.assert(
      fc.property(conversation, (c) => void play(c)),
      { numRuns: 2000, examples: corpus.map(([, steps]) => [{ primer: false, steps, cuts: [1000] }]) },
    );
  });

  it('reaches deep states in those conversations', () => {
    const kinds = new Map<string, number>();
    for (const c of fc.sample(conversation, { numRuns: 1000, seed: 1 })) {
      for (const outcomes of play(c).outcomes.values()) kinds.set(outcomes[0]!, (kinds.get(outcomes[0]!) ?? 0) + 1);
    }
    expect(kinds.get('answered')).toBeGreaterThan(100);
    expect(kinds.get('ambiguous')).toBeGreaterThan(100);
    expect(kinds.get('taken back')).toBeGreaterThan(20);
  });

  it('ends with its stream ids', () => {
    const harness = new SessionHarness({ firstStreamId: 0x7fff_fffd });
    harness.open();
    for (let i = 0; i < 5; i++) harness.start(10);
    harness.flush();
    expect(harness.of(raw.HEADERS).map((f) => f.id)).toEqual([0x7fff_fffd, 0x7fff_ffff]);
    expect(harness.session.hasRoom).toBe(false);
  });

  it('resets a stream that receives more than its window before the window was widened', () => {
    const harness = new SessionHarness();
    harness.open();
    harness.start(0);
    harness.frame(raw.HEADERS, raw.END_HEADERS, 1, OK);
    const part = Buffer.alloc(16_383);
    for (let i = 0; i < 4; i++) harness.frame(raw.DATA, 0, 1, part);
    expect(harness.session.inFlight).toBe(1);
    harness.frame(raw.DATA, 0, 1, part);
    expect(harness.session.inFlight).toBe(0);
    expect(harness.results[0]).toMatchObject({
      kind: 'ambiguous',
      reason: expect.stringContaining('FLOW_CONTROL_ERROR'),
    });
  });

  it('widens the window of a half-used stream when bytes are written', () => {
    const harness = new SessionHarness();
    harness.open();
    harness.start(0);
    harness.frame(raw.HEADERS, raw.END_HEADERS, 1, OK);
    for (let i = 0; i < 12; i++) {
      harness.frame(raw.DATA, 0, 1, Buffer.alloc(16_384));
      harness.flush();
    }
    harness.frame(raw.DATA, raw.END_STREAM, 1);
    const [result] = harness.results;
    expect(result?.kind === 'answered' && result.body.length).toBe(12 * 16_384);
    const updates = harness.of(raw.WINDOW_UPDATE).filter((f) => f.id === 1);
    expect(updates.map((f) => f.payload.readUInt32BE(0))).toEqual(Array.from({ length: 6 }, () => 32_768));
  });

  it('ends the connection for DATA beyond the window of the connection', () => {
    const harness = new SessionHarness();
    harness.open([3, 10_000]);
    // Sixteen mebibytes over streams of three frames each, before we write anything.
    for (let i = 0; harness.error === undefined && i < 400; i++) {
      harness.start(0);
      const id = 2 * i + 1;
      harness.frame(raw.HEADERS, raw.END_HEADERS, id, OK);
      for (let n = 0; n < 3; n++) harness.frame(raw.DATA, 0, id, Buffer.alloc(16_384));
    }
    expect(harness.error?.message).toBe('FLOW_CONTROL_ERROR: DATA beyond the connection window');
  });

  it('never sends more than the windows of connection and stream allow', () => {
    const harness = new SessionHarness();
    harness.open([4, 1000]);
    const sent = (): number[] =>
      [1, 3].map((id) => harness.of(raw.DATA).reduce((n, f) => n + (f.id === id ? f.payload.length : 0), 0));
    harness.start(100_000);
    harness.start(500);
    harness.flush();
    expect(sent()).toEqual([1000, 500]);
    harness.frame(raw.SETTINGS, 0, 0, raw.settingsPayload([4, 200]));
    harness.frame(raw.WINDOW_UPDATE, 0, 1, raw.u32(800));
    harness.flush();
    expect(sent()).toEqual([1000, 500]);
    harness.frame(raw.WINDOW_UPDATE, 0, 1, raw.u32(1));
    harness.flush();
    expect(sent()).toEqual([1001, 500]);
    harness.frame(raw.WINDOW_UPDATE, 0, 1, raw.u32(1_000_000));
    harness.flush();
    expect(sent()).toEqual([65_535 - 500, 500]);
    harness.frame(raw.WINDOW_UPDATE, 0, 0, raw.u32(1_000_000));
    harness.flush();
    expect(sent()).toEqual([100_000, 500]);
    expect(harness.of(raw.DATA).at(-1)).toMatchObject({ id: 1, flags: raw.END_STREAM });
    expect(Math.max(...harness.of(raw.DATA).map((f) => f.payload.length))).toBeLessThanOrEqual(16_384);
  });

  it('counts timeouts since the last answer', () => {
    const harness = new SessionHarness();
    harness.open();
    const counts: number[] = [];
    for (const lateOnes of [3, 2]) {
      for (let i = 0; i < lateOnes; i++) harness.start(0, 5);
      harness.start(0);
      harness.session.expire(10);
      counts.push(harness.session.timeoutsInRow);
      harness.frame(raw.HEADERS, 5, harness.session.nextId - 2, OK);
    }
    expect(counts).toEqual([3, 2]);
    expect(harness.results.map((r) => r.kind)).toEqual([
      ...Array.from({ length: 3 }, () => 'ambiguous'),
      'answered',
      'ambiguous',
      'ambiguous',
      'answered',
    ]);
  });

  it('resets a stream that was answered before its body was written', () => {
    const harness = new SessionHarness();
    harness.open([4, 10]);
    harness.start(100);
    harness.start(10);
    harness.flush();
    harness.frame(raw.HEADERS, 5, 1, OK);
    harness.frame(raw.HEADERS, 5, 3, OK);
    harness.flush();
    expect(harness.results.map((r) => r.kind)).toEqual(['answered', 'answered']);
    expect(harness.of(raw.RST_STREAM)).toMatchObject([{ id: 1, payload: raw.u32(8) }]);
  });

  it('takes back requests that were not written', () => {
    const harness = new SessionHarness();
    harness.open();
    harness.start(10);
    harness.flush();
    harness.start(10);
    harness.session.end(3, 'lost');
    expect([...harness.outcomes.values()]).toEqual([['ambiguous'], ['taken back']]);
  });
});
