import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';

/**
 * Preloaded into the program (`node --import`). Measures the CPU time of the event loop's thread between two ticks of a
 * 5 ms timer, which is the length of one turn of the loop. CPU time, because on a busy machine wall time also counts
 * other processes. Writes `{"heldMs", "waitedMs"}` since the last call to each connection on the socket in `?socket=`.
 */
const TICK_MS = 5;
const socket = new URL(import.meta.url).searchParams.get('socket');

/** ms of CPU time of the main thread: Linux counts it in ns. */
const cpuMs = () => Number(readFileSync('/proc/self/task/' + process.pid + '/schedstat', 'utf8').split(' ')[0]) / 1e6;

let held = 0;
let waited = 0;
let [lastCpu, lastTick] = [cpuMs(), performance.now()];
setInterval(() => {
  const [cpu, tick] = [cpuMs(), performance.now()];
  held = Math.max(held, cpu - lastCpu);
  waited = Math.max(waited, tick - lastTick - TICK_MS);
  [lastCpu, lastTick] = [cpu, tick];
}, TICK_MS).unref();

rmSync(socket, { force: true });
createServer((connection) => {
  connection.on('error', () => undefined);
  connection.end(JSON.stringify({ heldMs: held, waitedMs: waited }));
  [held, waited] = [0, 0];
})
  .listen(socket)
  .unref();
