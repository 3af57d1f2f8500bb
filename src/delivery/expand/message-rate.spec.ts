import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterQuiet, finishOf, layOut, pageSize, stepSize } from './message-rate.js';

const members = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('steps', () => {
  it.each([
    [0.1, 1, 1],
    [0.5, 1, 3],
    [1, 1, 5],
    [7.5, 7, 42],
    [500, 500, 2_500],
    [1_000, 1_000, 5_000],
    [50_000, 1_000, 10_000],
  ])('at %d a second: %i together, %i in a page', (rate, step, page) => {
    expect([stepSize(rate), pageSize(rate)]).toEqual([step, page]);
  });

  it('a rate of seven and a half per second is exact', () => {
    const { steps, next } = layOut(members(75), 7.5, 1_000);
    expect(next).toBeCloseTo(11_000, 6);
    expect(steps.map((step) => step.members.length)).toEqual([...Array.from({ length: 10 }, () => 7), 5]);
    expect(steps[1]?.due).toBeCloseTo(1_000 + 7_000 / 7.5, 6);
  });

  it('keeps a rate exactly over any number of pages, and gives every member a step', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 5_000, noNaN: true }),
        fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 6 }),
        (rate, pages) => {
          let [next, total] = [1_000_000, 0];
          for (const size of pages) {
            const page = layOut(members(size), rate, next);
            expect(page.steps.flatMap((step) => step.members)).toEqual(members(size));
            const drift = page.steps.map((step, index) => step.due - next - ((index * stepSize(rate)) / rate) * 1_000);
            expect(Math.max(...drift.map(Math.abs))).toBeLessThan(0.01);
            next = page.next;
            total += size;
          }
          const expected = (total / rate) * 1_000;
          expect(Math.abs(next - 1_000_000 - expected)).toBeLessThan(0.001 + expected * 1e-9);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('quiet times', () => {
  const night: [number, number] = [10_000, 20_000];
  it('nothing is due in a quiet time, and the rest follows after it', () => {
    const { steps, next } = layOut(members(30), 1, 0, [night]);
    const due = steps.map((step) => step.due);
    expect(due.slice(8, 12)).toEqual([8_000, 9_000, 20_000, 21_000]);
    expect(next).toBe(40_000);
  });
  it.each([
    [9_999, 9_999],
    [10_000, 20_000],
    [19_999, 20_000],
    [20_000, 20_000],
  ])('%i becomes %i', (moment, expected) => {
    expect(afterQuiet(moment, [night])).toBe(expected);
  });
  it('the preview’s end is that of the last step, within one step', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 30_000 }), (count, from) => {
        const last = layOut(members(count), 1, from, [night]).steps.at(-1)?.due ?? 0;
        expect(Math.abs(finishOf(count, 1, from, [night]) - last)).toBeLessThan(1_000);
      }),
    );
  });
});
