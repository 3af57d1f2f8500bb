import { defineConfig } from 'vitest/config';

const SERVERS = ['test/harness/servers.ts'];
/** Each of these tests starts whole processes. */
const PROCESSES = { globalSetup: SERVERS, testTimeout: 180_000, hookTimeout: 120_000 };
/** Files that measure the processor or the loop of the program: nothing else may run beside them. */
const ALONE = ['attack', 'clock-steps', 'event-loop', 'fairness', 'neighbours'].map(
  (name) => `test/e2e/${name}.spec.ts`,
);

/**
 * unit: pure, beside the code. medium: real databases, queues and sockets. e2e: the built program as its own process.
 * console: its screens in a browser, against the built program. alone: e2e that measures. The groups run one after the
 * other; e2e and console are one group, because the former mostly waits and the latter mostly computes. Most files wait
 * for timeouts, pauses and processes for most of their time, so there are more workers than the two cores that CI has.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.spec.ts', 'console/src/**/*.spec.ts'],
          // Pure: one process runs many files, which saves half of the time.
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'medium',
          include: ['test/medium/**/*.spec.ts'],
          globalSetup: SERVERS,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.spec.ts'],
          exclude: ALONE,
          ...PROCESSES,
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'console',
          include: ['test/console/**/*.spec.ts'],
          ...PROCESSES,
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'alone',
          include: ALONE,
          ...PROCESSES,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // Some sixty starts of the program, minutes of two cores: npm run test:kills.
        test: {
          name: 'kills',
          include: ['test/kills/**/*.spec.ts'],
          globalSetup: SERVERS,
          testTimeout: 600_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
