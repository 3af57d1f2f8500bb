import { expect, it } from 'vitest';
import { ClockSteps } from './clock-steps.js';

const HOUR = 3_600_000;

it('does not count passing time or corrections of less than three seconds as steps', () => {
  const time = { now: 1_000, elapsed: 0 };
  const steps = new ClockSteps({ now: () => time.now, elapsed: () => time.elapsed });
  time.now += HOUR;
  time.elapsed += HOUR;
  expect(steps.read()).toBe(0);
  time.now += 2_999;
  expect(steps.read()).toBe(0);
  expect(steps.any).toBe(false);
});

it('reports each step once with its length and direction', () => {
  const time = { now: 1_000, elapsed: 0 };
  const steps = new ClockSteps({ now: () => time.now, elapsed: () => time.elapsed });
  time.now += HOUR + 500;
  time.elapsed += 500;
  expect([steps.read(), steps.read()]).toEqual([HOUR, 0]);
  time.now -= HOUR;
  expect([steps.read(), steps.read()]).toEqual([-HOUR, 0]);
  expect(steps.any).toBe(true);
});
