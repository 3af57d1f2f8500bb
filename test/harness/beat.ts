import { fileURLToPath } from 'node:url';
import type { RunningCarillon } from './carillon.js';

/** Node's flags for a program whose event loop is measured. */
export const WITH_BEAT = ['--import', fileURLToPath(new URL('beat.mjs', import.meta.url))];

/** The longest stall of the event loop while `act` ran, in ms of CPU. */
export async function longestStall(carillon: RunningCarillon, act: () => Promise<unknown>): Promise<number> {
  await readStall(carillon);
  await act();
  return readStall(carillon);
}

async function readStall(carillon: RunningCarillon): Promise<number> {
  const before = stallsIn(carillon.output()).length;
  // A signal that the program itself does not handle.
  process.kill(carillon.pid, 'SIGWINCH');
  for (;;) {
    const stalls = stallsIn(carillon.output());
    if (stalls.length > before) return stalls.at(-1) ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function stallsIn(output: string): number[] {
  return [...output.matchAll(/^STALL (\S+)$/gm)].map(([, ms]) => Number(ms));
}
