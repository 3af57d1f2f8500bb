import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Linux only: resource use of processes, from /proc. */

const CLOCK_TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const SAMPLE_MS = 100;

/** A process and its descendants: PostgreSQL has a child per connection, nginx one worker. */
function familyOf(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(Number(name))] as const);
  const family = [pid];
  for (const member of family)
    family.push(...parents.filter(([, parent]) => parent === member).map(([child]) => child));
  return family;
}

/** User and system time in seconds, of the process and its descendants, including ended ones. */
export function cpuSeconds(pid: number): number {
  return familyOf(pid).reduce((sum, member) => sum + ticksOf(statOf(member)), 0) / CLOCK_TICKS;
}

/** Resident memory in MB. */
function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
}

/** Watches the memory of processes, by name; `stop` returns the peak of each in MB. */
export function watchMemory(pids: Record<string, number>): { stop: () => Promise<Record<string, number>> } {
  const peaks: Record<string, number> = {};
  let watching = true;
  const done = (async () => {
    while (watching) {
      for (const [name, pid] of Object.entries(pids)) peaks[name] = Math.max(peaks[name] ?? 0, residentMb(pid));
      await delay(SAMPLE_MS);
    }
  })();
  return {
    stop: async () => {
      watching = false;
      await done;
      return peaks;
    },
  };
}

/** The fields after the name in /proc/pid/stat, state first; undefined if the process has ended. */
function statOf(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ');
  } catch {
    return undefined;
  }
}

function parentOf(pid: number): number {
  return Number(statOf(pid)?.[1]);
}

/** utime, stime, and those of ended children. */
function ticksOf(fields: string[] | undefined): number {
  return [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields?.[field] ?? 0), 0);
}
