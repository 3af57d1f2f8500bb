import { defineConfig } from 'vitest/config';

/** The tests of the client without the servers of the other tests: vitest itself runs in Deno or Bun. */
export default defineConfig({ test: { include: ['test/medium/client/*.spec.ts'], pool: 'forks' } });
