import { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';

const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/**
 * Starts a thread from a file; `place` has no extension. In a build the file is JavaScript, in tests TypeScript: tsx is
 * loaded by its API, because `--import tsx` has no effect in a worker of Node 20.
 */
export function startThread(place: URL, options: WorkerOptions = {}): Worker {
  if (EXTENSION === 'js') return new Worker(new URL(`${place.href}.js`), options);
  const file = JSON.stringify(`${place.href}.ts`);
  return new Worker(`import('tsx/esm/api').then(({ tsImport }) => tsImport(${file}, ${file}))`, {
    ...options,
    eval: true,
  });
}
