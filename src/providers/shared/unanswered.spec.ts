import { describe, expect, it } from 'vitest';
import { parseErrorBody, unansweredVerdict } from './unanswered.js';

describe('unansweredVerdict', () => {
  it('a refused request is retried', () => {
    expect(unansweredVerdict({ kind: 'refused', reason: 'REFUSED_STREAM' })).toEqual({
      action: 'retryBackoff',
      reason: 'REFUSED_STREAM',
      floorMs: 1_000,
      capMs: 60_000,
    });
  });

  it('an ambiguous request stays ambiguous', () => {
    expect(unansweredVerdict({ kind: 'ambiguous', reason: 'time-out' })).toEqual({
      action: 'ambiguous',
      reason: 'time-out',
    });
  });
});

describe('parseErrorBody', () => {
  it.each([
    ['{"reason":"x"}', { reason: 'x' }],
    ['', undefined],
    ['<html>502</html>', undefined],
    ['[1]', undefined],
    ['null', undefined],
    [JSON.stringify({ reason: 'x'.repeat(20_000) }), undefined],
  ])('%.20s', (text, expected) => {
    expect(parseErrorBody(Buffer.from(text))).toEqual(expected);
  });
});
