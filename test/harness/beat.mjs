import { existsSync, readFileSync } from 'node:fs';

/**
 * Loaded before the built program (`node --import`): a beat of 2 ms. At SIGWINCH the beat prints `STALL <ms>`, the
 * longest time between two beats since the last signal, and starts again. The time is the CPU time of the event loop's
 * thread, which Linux counts in ns, so that other work of the machine does not count.
 */

const BEAT_MS = 2;
const SCHEDULE = `/proc/self/task/${process.pid}/schedstat`;
const cpuMs = existsSync(SCHEDULE)
  ? () => Number(readFileSync(SCHEDULE, 'utf8').split(' ')[0]) / 1e6
  : () => performance.now();
let longest = 0;
let beaten = cpuMs();

setInterval(() => {
  const now = cpuMs();
  longest = Math.max(longest, now - beaten);
  beaten = now;
}, BEAT_MS).unref();

process.on('SIGWINCH', () => {
  process.stdout.write(`STALL ${longest.toFixed(1)}\n`);
  longest = 0;
});
