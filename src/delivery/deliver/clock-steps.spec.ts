import { expect, it } from 'vitest';
import { ClockSteps } from './clock-steps.js';

const HOUR = 3_600_000;

it('time that passes is no step, nor are corrections of less than three seconds', () => {
  const time = { now: 1_000, elapsed: 0 };
  const steps = new ClockSteps({ now: () => time.now, elapsed: () => time.elapsed });
  time.now += HOUR;
  time.elapsed += HOUR;
  expect(steps.read()).toBe(0);
  time.now += 2_999;
  expect(steps.read()).toBe(0);
  expect(steps.any).toBe(false);
});

it('each step is told once, by its length and direction', () => {
  const time = { now: 1_000, elapsed: 0 };
  const steps = new ClockSteps({ now: () => time.now, elapsed: () => time.elapsed });
  time.now += HOUR + 500;
  time.elapsed += 500;
  expect([steps.read(), steps.read()]).toEqual([HOUR, 0]);
  time.now -= HOUR;
  expect([steps.read(), steps.read()]).toEqual([-HOUR, 0]);
  expect(steps.any).toBe(true);
});
