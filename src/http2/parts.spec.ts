import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DialPace } from './dial-pace.js';
import { Exchange } from './exchange.js';
import { ConnectionError } from './frames.js';
import { FrameReader } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { readGoAway } from './goaway.js';
import { HeadCache } from './head-cache.js';
import { Liveness } from './liveness.js';
import { NoiseBudget } from './noise-budget.js';
import { RequestQueue } from './request-queue.js';
import { StreamTable } from './stream-table.js';

function exchange(deadline = Infinity, urgent = false): Exchange {
  return new Exchange({ path: '/', constant: [], body: new Uint8Array(0), urgent }, 1000, deadline, () => {});
}

describe('FrameReader', () => {
  it('finds the same frames for any division into chunks', () => {
    const frame = fc.record({
      type: fc.nat(255),
      flags: fc.nat(255),
      id: fc.nat(0x7fff_ffff),
      payload: fc.uint8Array({ maxLength: 100 }),
    });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (frames, cuts) => {
          const seen: unknown[] = [];
          const reader = new FrameReader((type, flags, id, bytes, at, end) => {
            seen.push({ type, flags, id, payload: Uint8Array.from(bytes.subarray(at, end)) });
          });
          const bytes = Buffer.concat(
            frames.map(({ type, flags, id, payload }) => {
              const head = Buffer.alloc(9);
              head.writeUIntBE(payload.length, 0, 3);
              head.writeUInt16BE(type * 256 + flags, 3);
              head.writeUInt32BE(id, 5);
              return Buffer.concat([head, payload]);
            }),
          );
          for (let at = 0, n = 0; at < bytes.length; n++) {
            const size = cuts[n % cuts.length]!;
            reader.push(Buffer.from(bytes.subarray(at, at + size)));
            at += size;
          }
          expect(seen).toEqual(frames);
        },
      ),
    );
  });

  it('refuses a long frame by its header alone', () => {
    const reader = new FrameReader(() => {});
    reader.push(Buffer.from([0, 0x40]));
    expect(() => reader.push(Buffer.from([0x01, 0, 0, 0, 0, 0, 0]))).toThrow('frame of 16385 bytes, 16384 allowed');
  });
});

describe('FrameWriter', () => {
  it('never changes bytes that the sink has not finished writing', () => {
    const held: { bytes: Buffer; copy: Buffer; done: () => void }[] = [];
    const out = new FrameWriter((bytes, done) => held.push({ bytes, copy: Buffer.from(bytes), done }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 70_000 }), fc.boolean(), fc.boolean())), (writes) => {
        for (const [size, flush, finish] of writes) {
          out.data(1, Buffer.alloc(size, size % 256), false);
          if (flush) out.flush();
          for (const { bytes, copy } of held) expect(bytes.equals(copy)).toBe(true);
          expect(out.pending).toBe(held.reduce((sum, { bytes }) => sum + bytes.length, 0));
          if (finish) held.shift()?.done();
        }
        out.flush();
        for (const { done } of held.splice(0)) done();
        expect(out.pending).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});

describe('RequestQueue', () => {
  it('is first in, first out; requests that were put back come first', () => {
    const queue = new RequestQueue();
    const model: Exchange[] = [];
    const step = fc.constantFrom('push', 'push', 'shift', 'back');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3000, size: 'max' }), (steps) => {
        for (const now of steps) {
          if (now === 'shift' && queue.shift() !== model.shift()) expect.unreachable('shift');
          const one = exchange();
          if (now === 'push') queue.push(one);
          if (now === 'push') model.push(one);
          if (now === 'back') queue.putBack(one);
          if (now === 'back') model.unshift(one);
          if (queue.size !== model.length || queue.peek() !== model[0]) expect.unreachable(`after ${now}`);
        }
      }),
      { numRuns: 20 },
    );
    expect(queue.drain()).toEqual(model);
    expect(queue.size).toBe(0);
  });

  it('returns urgent requests before the others, also after they were put back', () => {
    const queue = new RequestQueue();
    const [first, second, urgent, back, urgentBack] = [
      exchange(),
      exchange(),
      exchange(Infinity, true),
      exchange(),
      exchange(Infinity, true),
    ];
    queue.push(first);
    queue.push(second);
    queue.push(urgent);
    queue.putBack(back);
    queue.putBack(urgentBack);
    expect(queue.size).toBe(5);
    expect(queue.peek()).toBe(urgentBack);
    expect(Array.from({ length: 5 }, () => queue.shift())).toEqual([urgentBack, urgent, back, first, second]);
    expect(queue.shift()).toBeUndefined();
  });

  it('takes out expired requests and keeps the order of the others', () => {
    const queue = new RequestQueue();
    const all = [30, 10, 20, 10].map((deadline) => exchange(deadline));
    for (const each of all) queue.push(each);
    expect(queue.takeExpired(9)).toEqual([]);
    expect(queue.takeExpired(10)).toEqual([all[1], all[3]]);
    expect(queue.takeExpired(15)).toEqual([]);
    queue.putBack(all[1]!);
    expect(queue.takeExpired(15)).toEqual([all[1]]);
    expect(queue.drain()).toEqual([all[0], all[2]]);
  });
});

describe('StreamTable', () => {
  it('expires streams, and accepts late frames only of streams that we reset', () => {
    const table = new StreamTable();
    const [early, late] = [exchange(10), exchange(20)];
    table.add(1, early);
    table.add(3, late);
    expect(table.expired(9)).toEqual([]);
    expect(table.expired(10)).toEqual([early]);
    table.delete(1);
    table.forgive(1);
    expect(() => table.checkLate(1, 5, 'DATA')).not.toThrow();
    table.delete(3);
    expect(() => table.checkLate(3, 5, 'DATA')).toThrow('STREAM_CLOSED');
    table.lastProcessed = 1;
    expect(() => table.checkLate(3, 5, 'DATA')).not.toThrow();
    expect(() => table.checkLate(5, 5, 'DATA')).toThrow('never opened');
  });

  it('remembers at most four thousand reset streams', () => {
    const table = new StreamTable();
    for (let id = 1; id <= 2 * 4097; id += 2) table.forgive(id);
    expect(() => table.checkLate(1, 10_001, 'DATA')).toThrow('STREAM_CLOSED');
    expect(() => table.checkLate(3, 10_001, 'DATA')).not.toThrow();
  });
});

describe('DialPace', () => {
  it('doubles the wait with each failure, subtracts up to half, and stops at ten intervals', () => {
    const waits = (random: number): number[] => {
      const pace = new DialPace(1000, () => random);
      let now = 0;
      return Array.from({ length: 8 }, () => {
        pace.ended(now, now, 0);
        const failedAt = now;
        while (!pace.mayDial(now)) now += 125;
        return now - failedAt;
      });
    };
    expect(waits(0)).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(waits(1)).toEqual([125, 250, 500, 1000, 2000, 4000, 5000, 5000]);
  });

  it('replaces a useful connection at once, and another one after the interval', () => {
    const pace = new DialPace(1000, () => 0);
    pace.dialled(0);
    pace.ended(10, 0, 5000);
    expect(pace.mayDial(10)).toBe(true);
    pace.ended(10, 0, 5);
    expect(pace.mayDial(999)).toBe(false);
    expect(pace.mayDial(1000)).toBe(true);
  });

  it('resets after an answer, and grows once per interval', () => {
    const pace = new DialPace(1000, () => 0);
    pace.dialled(0);
    pace.ended(-60_000, -60_000, 0);
    for (let i = 0; i < 6; i++) pace.ended(-50_000, -50_000, 0);
    pace.answered();
    pace.ended(0, 0, 0);
    expect([pace.mayDial(249), pace.mayDial(250)]).toEqual([false, true]);
    expect([pace.mayGrow(999), pace.mayGrow(1000)]).toEqual([false, true]);
  });
});

describe('Liveness', () => {
  it('asks after silence while requests are open, and gives up without a reply', () => {
    const liveness = new Liveness(0, 30, 5);
    expect([29, 30, 34].map((now) => liveness.check(now, true))).toEqual(['alive', 'ask', 'alive']);
    expect(liveness.check(35, true)).toBe('dead');
  });

  it('treats any byte as a sign of life', () => {
    const liveness = new Liveness(0, 30, 5);
    expect(liveness.check(30, true)).toBe('ask');
    liveness.hear();
    expect([35, 64, 65].map((now) => liveness.check(now, true))).toEqual(['alive', 'alive', 'ask']);
  });

  it('allows an idle connection an hour of silence', () => {
    const liveness = new Liveness(0, 30, 5);
    expect([3_599_999, 3_600_000].map((now) => liveness.check(now, false))).toEqual(['alive', 'ask']);
  });
});

describe('NoiseBudget', () => {
  it('allows ten thousand frames in ten seconds, and four more for each answer', () => {
    const noise = new NoiseBudget();
    const spend = (n: number): void => {
      for (let i = 0; i < n; i++) noise.spend(6);
    };
    spend(10_000);
    for (let i = 0; i < 25; i++) noise.answered();
    spend(100);
    expect(() => spend(1)).toThrow('ENHANCE_YOUR_CALM: flood of frames of type 6');
    noise.tick(10_000);
    spend(10_000);
    noise.tick(19_999);
    expect(() => spend(1)).toThrow(ConnectionError);
  });
});

describe('readGoAway', () => {
  const payload = (debug: string): Buffer =>
    Buffer.concat([Buffer.from([0x80, 0, 0, 5, 0, 0, 0, 2]), Buffer.from(debug)]);

  it.each([
    ['{"reason":"Shutdown"}', 'GOAWAY INTERNAL_ERROR: Shutdown'],
    ['{"reason":{"a":1}}', 'GOAWAY INTERNAL_ERROR: [object Object]'],
    ['null', 'GOAWAY INTERNAL_ERROR: null'],
    ['too many pings', 'GOAWAY INTERNAL_ERROR: too many pings'],
    ['a\r\nb\0', 'GOAWAY INTERNAL_ERROR: a  b '],
    ['', 'GOAWAY INTERNAL_ERROR'],
  ])('readGoAway reads %j', (debug, reason) => {
    const bytes = payload(debug);
    expect(readGoAway(bytes, 0, bytes.length)).toEqual({ lastId: 5, code: 2, reason });
  });

  it('keeps at most two hundred characters of the debug data', () => {
    const bytes = payload('x'.repeat(5000));
    expect(readGoAway(bytes, 0, bytes.length).reason).toHaveLength('GOAWAY INTERNAL_ERROR: '.length + 200);
  });
});

describe('HeadCache', () => {
  it('returns a head only for identical bytes', () => {
    const cache = new HeadCache();
    const head = { status: 200, headers: {}, length: undefined };
    const bytes = Buffer.from('--abcdef--');
    cache.set(bytes, 2, 8, head);
    expect(cache.get(Buffer.from('abcdef'), 0, 6)).toBe(head);
    expect(cache.get(Buffer.from('abcdeX'), 0, 6)).toBeUndefined();
    expect(cache.get(Buffer.from('abcde'), 0, 5)).toBeUndefined();
    const long = Buffer.alloc(600, 'x');
    cache.set(long, 0, 600, head);
    expect(cache.get(long, 0, 600)).toBeUndefined();
  });
});
