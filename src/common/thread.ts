import { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';

const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/**
 * Starts a thread; `place` is its file without extension. Compiled, that is JavaScript. From source, in tests, it is TypeScript:
 * tsx loads it by its API, for `--import tsx` has no effect in a worker of Node 20.
 */
export function startThread(place: URL, options: WorkerOptions = {}): Worker {
  if (EXTENSION === 'js') return new Worker(new URL(`${place.href}.js`), options);
  const file = JSON.stringify(`${place.href}.ts`);
  return new Worker(`import('tsx/esm/api').then(({ tsImport }) => tsImport(${file}, ${file}))`, {
    ...options,
    eval: true,
  });
}
