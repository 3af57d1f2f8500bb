import { availableParallelism } from 'node:os';
import { MINUTE_MS, SECOND_MS } from './common/durations.js';
import type { Role } from './role.js';

/** The processes of one start, and the waits before an ended one starts again. */

/** One process of a start. */
export interface Member {
  /** In the log and in the list of processes: `api 1`, `worker 2`. */
  name: string;
  roles: ReadonlySet<Role>;
  /** True: the process starts before the other members and prints the addresses. */
  isFirst: boolean;
  /** Position in the plan, from 0; added to METRICS_PORT. */
  position: number;
}

/** The numbers of processes; `workers` null: the workers' role is in the first process. */
export interface ProcessCounts {
  workers: number | null;
  apis: number;
}

export function countWorkers(text: string): number | null {
  if (text === '') return null;
  if (text === 'auto') return availableParallelism();
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
}

/**
 * The first process has all roles but those of worker processes of their own; further processes have one role. The
 * scheduler is in one process.
 */
export function planProcesses(roles: ReadonlySet<Role>, { workers, apis }: ProcessCounts): Member[] {
  const first = [...roles].filter((role) => role !== 'worker' || workers === null);
  const more = (role: Role, count: number, from: number): Pick<Member, 'name' | 'roles'>[] =>
    Array.from({ length: count }, (_, index) => ({ name: `${role} ${index + from}`, roles: new Set([role]) }));
  const firstName = roles.has('api') ? 'api 1' : first.join(' and ');
  const members = [
    ...(first.length > 0 ? [{ name: firstName, roles: new Set(first) }] : []),
    ...more('api', apis - 1, 2),
    ...more('worker', workers ?? 0, 1),
  ];
  return members.map((member, position) => ({ ...member, isFirst: position === 0, position }));
}

const SHORTEST_WAIT_MS = SECOND_MS;
const LONGEST_WAIT_MS = MINUTE_MS;
/** A process that ran for this long did not end because of its start. */
const SETTLED_MS = MINUTE_MS;

/** Ms before a process starts again that ended `failures` times in a row; each end doubles the wait. */
export function waitBeforeRestart(failures: number): number {
  return Math.min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** Math.max(0, failures - 1));
}

/** The number of ends in a row after a process ended that ran for `ranMs`. */
export function countFailures(before: number, ranMs: number): number {
  return ranMs >= SETTLED_MS ? 1 : before + 1;
}

/** The arguments with which a member is started, for `readMember`. */
export function toArguments({ name, roles, position }: Member): string[] {
  return [name, [...roles].join(','), String(position)];
}

export function readMember([name = '', roles = '', text]: readonly string[]): Member {
  const position = Number(text);
  return { name, roles: new Set(roles.split(',') as Role[]), isFirst: position === 0, position };
}
