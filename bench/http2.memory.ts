/**
 * Sends millions of requests through one pool and reads memory use after each tenth: `http2.memory.ts origin ca
 * millions`, run by `http2.bench.ts --memory`. Memory after a collection must not grow from the second tenth on.
 */
import { readFileSync } from 'node:fs';
import { drive, openClient } from './http2.clients.js';

/** Collections leave some slack; a leak of 40 bytes per request would show as 40 MB per million. */
const SLACK_BYTES = 8 * 1024 * 1024;

const [origin, ca, millions] = process.argv.slice(2);
const client = await openClient('pipeline', origin!, readFileSync(ca!, 'utf8'));
const tenth = Math.ceil((Number(millions) * 1e6) / 10);
const kept: number[] = [];
let failed = 0;

for (let part = 1; part <= 10; part++) {
  failed += await drive(client, tenth);
  globalThis.gc!();
  const { heapUsed, external, rss } = process.memoryUsage();
  kept.push(heapUsed + external);
  const mb = (bytes: number): string => (bytes / 1048576).toFixed(1).padStart(7);
  console.log(
    `${String(part * tenth).padStart(10)} requests  heap and buffers ${mb(kept.at(-1)!)} MB  rss ${mb(rss)} MB`,
  );
}
await client.close();
const growth = kept.at(-1)! - kept[1]!;
console.log(
  JSON.stringify({
    bench: 'http2-memory',
    requests: 10 * tenth,
    growthBytes: growth,
    failed,
    broken: failed + (growth > SLACK_BYTES ? 1 : 0),
  }),
);
