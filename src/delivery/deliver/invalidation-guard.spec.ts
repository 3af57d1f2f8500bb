import { describe, expect, it } from 'vitest';
import { InvalidationGuard } from './invalidation-guard.js';

function after(...batches: [accepted: number, suspects: number][]) {
  const guard = new InvalidationGuard();
  for (const [accepted, suspects] of batches) guard.note({ accepted, suspects, dead: 0 });
  return { mayRetire: guard.mayRetire(), mustPause: guard.mustPause() };
}
const healthy = { mayRetire: true, mustPause: false };
const doubtful = { mayRetire: false, mustPause: false };
const wrong = { mayRetire: false, mustPause: true };

describe('InvalidationGuard', () => {
  it.each<[string, [number, number][], typeof healthy]>([
    ['nothing known', [], healthy],
    ['nothing but accepted', [[100, 0]], healthy],
    ['real churn', [[970, 30]], healthy],
    ['a quarter is still churn', [[75, 25]], healthy],
    ['more than a quarter is not', [[74, 26]], wrong],
    ['a single suspect alone proves nothing either way', [[0, 1]], doubtful],
    ['nineteen do not', [[0, 19]], doubtful],
    ['twenty do: the credentials are wrong', [[0, 20]], wrong],
    ['in small sends as in a large one', Array.from({ length: 20 }, () => [0, 1]), wrong],
    // 26 of 104 is a quarter.
    [
      'enough accepted later restore belief',
      [
        [0, 26],
        [78, 0],
      ],
      healthy,
    ],
    [
      'one too few do not',
      [
        [0, 26],
        [77, 0],
      ],
      wrong,
    ],
    [
      'what lies more than 500 results back is forgotten',
      [
        [0, 300],
        [500, 0],
      ],
      healthy,
    ],
    [
      'also good times',
      [
        [100_000, 0],
        [0, 126],
      ],
      wrong,
    ],
    ['of a batch larger than the window its share is what counts', [[700, 300]], wrong],
    ['whichever way round', [[800, 200]], healthy],
    [
      'an empty send changes nothing',
      [
        [0, 20],
        [0, 0],
      ],
      wrong,
    ],
  ])('%s', (_what, batches, expected) => {
    expect(after(...batches)).toEqual(expected);
  });
});

describe('a wave of uncertain removals after accepted sends', () => {
  it.each<[string, [number, number][], boolean]>([
    [
      'ten of ten',
      [
        [100, 0],
        [0, 10],
      ],
      false,
    ],
    [
      'thirty of thirty',
      [
        [500, 0],
        [0, 30],
      ],
      false,
    ],
    [
      'one is churn',
      [
        [500, 0],
        [0, 1],
      ],
      true,
    ],
    [
      'one in each of a few sends is churn',
      [
        [500, 0],
        [9, 1],
        [9, 1],
        [9, 1],
      ],
      true,
    ],
  ])('%s', (_what, batches, mayRetire) => {
    expect(after(...batches).mayRetire).toBe(mayRetire);
  });
});

describe('certain removals', () => {
  it.each<[string, [accepted: number, dead: number][], boolean]>([
    ['none', [[100, 0]], false],
    ['real churn', [[970, 30]], false],
    ['an old address book, half of it dead', [[500, 500]], false],
    ['nineteen are few', [[0, 19]], false],
    ['thirty of thirty', [[0, 30]], true],
    [
      'thirty of thirty after good times',
      [
        [500, 0],
        [0, 30],
      ],
      true,
    ],
    ['one by one', [[500, 0], ...Array.from({ length: 20 }, (): [number, number] => [0, 1])], true],
    ['four in five of a large send', [[200, 800]], true],
    [
      'a wave that is over',
      [
        [0, 30],
        [25, 0],
      ],
      false,
    ],
  ])('%s', (_what, batches, expected) => {
    const guard = new InvalidationGuard();
    for (const [accepted, dead] of batches) guard.note({ accepted, dead, suspects: 0 });
    expect(guard.isWave()).toBe(expected);
    // Certain removals say nothing about the credentials.
    expect(guard.mustPause()).toBe(false);
  });
});
