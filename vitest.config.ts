import { defineConfig } from 'vitest/config';

/** unit: pure, beside the code. medium: real databases, queues and sockets. e2e: the built program as its own process. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.spec.ts'] } },
      {
        test: {
          name: 'medium',
          include: ['test/medium/**/*.spec.ts'],
          globalSetup: ['test/harness/servers.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.spec.ts'],
          globalSetup: ['test/harness/servers.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          // Each file starts whole processes; two cores carry one such file at a time.
          fileParallelism: false,
        },
      },
      {
        // Some sixty starts of the program, minutes of two cores: npm run test:kills.
        test: {
          name: 'kills',
          include: ['test/kills/**/*.spec.ts'],
          globalSetup: ['test/harness/servers.ts'],
          testTimeout: 600_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
