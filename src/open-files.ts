import { readFileSync } from 'node:fs';

/** How many files and connections this process may have open (proc(5)); Infinity if unknown. */
export function openFilesLimit(): number {
  try {
    return readLimit(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    return Infinity;
  }
}

export function readLimit(limits: string): number {
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return soft === undefined || soft === 'unlimited' ? Infinity : Number(soft);
}
