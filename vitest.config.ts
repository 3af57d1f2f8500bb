import { defineConfig } from 'vitest/config';
import { Order } from './test/order.js';
import { Retried } from './test/retried.js';

/** A poll waits for what another process does, on machines that are busy: vitest's 1 s is too short. */
const PATIENT = { poll: { timeout: 20_000 } };
/** In CI a test that fails is tried once more, and named at the end. */
const WITH_SERVERS = {
  globalSetup: ['test/harness/servers.ts'],
  expect: PATIENT,
  retry: process.env.CI === 'true' ? 1 : 0,
};
/**
 * Most programs of these tests live for seconds, and their start is most of their CPU. A fifth of it is V8's optimising
 * compiler, which waits here until a function has run fifteen times as long, and source maps.
 */
const SHORT_LIVED = { env: { PROGRAM_FLAGS: '--interrupt-budget=1000000' } };
/** Each of these tests starts whole processes. */
const PROCESSES = { ...WITH_SERVERS, testTimeout: 180_000, hookTimeout: 120_000 };
/** Files that measure the processor or the loop of the program: nothing else may run beside them. */
const ALONE = ['attack', 'clock-steps', 'event-loop', 'fairness', 'neighbours'].map(
  (name) => `test/e2e/${name}.spec.ts`,
);

/**
 * unit: pure, beside the code. medium: real databases, queues and sockets. e2e: the built program as its own process.
 * console: its screens in a browser, against the built program. alone: e2e that measures. The groups run one after the
 * other. medium, e2e and console are one group, in one order (test/order.ts), because many files of the first two wait,
 * and the others compute. So there are more workers than the two cores that CI has.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: Order },
    reporters: ['default', new Retried()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.spec.ts', 'console/src/**/*.spec.ts'],
          // Pure: one process runs many files, which saves half of the time.
          isolate: false,
          // The limit of a test that hangs: vitest's 5 s is too short on a busy machine.
          testTimeout: 30_000,
          expect: PATIENT,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'medium',
          include: ['test/medium/**/*.spec.ts'],
          ...WITH_SERVERS,
          ...SHORT_LIVED,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.spec.ts'],
          exclude: ALONE,
          ...PROCESSES,
          ...SHORT_LIVED,
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'console',
          include: ['test/console/**/*.spec.ts'],
          ...PROCESSES,
          ...SHORT_LIVED,
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'alone',
          include: ALONE,
          ...PROCESSES,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // Some sixty starts of the program, minutes of two cores: npm run test:kills.
        test: {
          name: 'kills',
          include: ['test/kills/**/*.spec.ts'],
          ...WITH_SERVERS,
          testTimeout: 600_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
