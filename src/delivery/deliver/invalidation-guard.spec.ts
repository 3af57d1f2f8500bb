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
    ['no results', [], healthy],
    ['acceptances only', [[100, 0]], healthy],
    ['a usual share of removals', [[970, 30]], healthy],
    ['a quarter of suspects is believed', [[75, 25]], healthy],
    ['more than a quarter of suspects is not believed', [[74, 26]], wrong],
    ['a single suspect proves nothing', [[0, 1]], doubtful],
    ['nineteen suspects prove nothing', [[0, 19]], doubtful],
    ['twenty suspects show that the credentials are wrong', [[0, 20]], wrong],
    ['twenty suspects in small sends count like in a large one', Array.from({ length: 20 }, () => [0, 1]), wrong],
    // 26 of 104 is a quarter.
    [
      'enough later acceptances restore the belief',
      [
        [0, 26],
        [78, 0],
      ],
      healthy,
    ],
    [
      'one acceptance too few does not restore the belief',
      [
        [0, 26],
        [77, 0],
      ],
      wrong,
    ],
    [
      'results more than 500 back are forgotten',
      [
        [0, 300],
        [500, 0],
      ],
      healthy,
    ],
    [
      'acceptances more than 500 back are forgotten',
      [
        [100_000, 0],
        [0, 126],
      ],
      wrong,
    ],
    ['a batch larger than the window counts by its share, above the limit', [[700, 300]], wrong],
    ['a batch larger than the window counts by its share, below the limit', [[800, 200]], healthy],
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
      'ten of ten suspects',
      [
        [100, 0],
        [0, 10],
      ],
      false,
    ],
    [
      'thirty of thirty suspects',
      [
        [500, 0],
        [0, 30],
      ],
      false,
    ],
    [
      'a single suspect is usual',
      [
        [500, 0],
        [0, 1],
      ],
      true,
    ],
    [
      'one suspect in each of a few sends is usual',
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
    ['a usual share', [[970, 30]], false],
    ['an old address book with half of its tokens dead', [[500, 500]], false],
    ['nineteen removals are too few for a wave', [[0, 19]], false],
    ['thirty of thirty without acceptances', [[0, 30]], true],
    [
      'thirty of thirty after acceptances',
      [
        [500, 0],
        [0, 30],
      ],
      true,
    ],
    ['many removals in single sends', [[500, 0], ...Array.from({ length: 20 }, (): [number, number] => [0, 1])], true],
    ['four fifths of a large send', [[200, 800]], true],
    [
      'acceptances after a wave',
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
