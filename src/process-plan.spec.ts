import { describe, expect, it } from 'vitest';
import type { Role } from './role.js';
import {
  countFailures,
  countWorkers,
  planProcesses,
  readMember,
  toArguments,
  waitBeforeRestart,
} from './process-plan.js';

const ALL: readonly Role[] = ['api', 'worker', 'scheduler'];

/** Name and roles of each process. */
function plan(roles: readonly Role[], workers: number | null, apis = 1): string[] {
  return planProcesses(new Set(roles), { workers, apis }).map(
    (member) => `${member.name}: ${[...member.roles].join()}`,
  );
}

describe('planProcesses', () => {
  it.each<[string, readonly Role[], number | null, number, string[]]>([
    ['nothing set: one process with all roles', ALL, null, 1, ['api 1: api,worker,scheduler']],
    ['two workers', ALL, 2, 1, ['api 1: api,scheduler', 'worker 1: worker', 'worker 2: worker']],
    ['two workers and two apis', ALL, 1, 2, ['api 1: api,scheduler', 'api 2: api', 'worker 1: worker']],
    ['two apis without workers of their own', ALL, null, 2, ['api 1: api,worker,scheduler', 'api 2: api']],
    ['workers alone', ['worker'], 2, 1, ['worker 1: worker', 'worker 2: worker']],
    ['one worker alone', ['worker'], 1, 1, ['worker 1: worker']],
    ['workers and the scheduler', ['worker', 'scheduler'], 1, 1, ['scheduler: scheduler', 'worker 1: worker']],
  ])('%s', (_case, roles, workers, apis, expected) => {
    expect(plan(roles, workers, apis)).toEqual(expected);
  });

  it('one process is the first', () => {
    const members = planProcesses(new Set(ALL), { workers: 3, apis: 2 });
    expect(members.map(({ isFirst }) => isFirst)).toEqual([true, false, false, false, false]);
  });

  it('a process reads its member from its arguments', () => {
    for (const member of planProcesses(new Set(ALL), { workers: 1, apis: 2 }))
      expect(readMember(toArguments(member))).toEqual(member);
  });
});

it.each([
  ['', null],
  ['3', 3],
  ['two', Number.NaN],
  ['-1', Number.NaN],
  ['1.5', Number.NaN],
])('WORKERS=%j is %j workers', (text, workers) => {
  expect(countWorkers(text)).toBe(workers);
});

it('WORKERS=auto is one worker for each core', () => {
  expect(countWorkers('auto')).toBeGreaterThanOrEqual(1);
});

it('the wait before a restart doubles from a second to a minute', () => {
  expect([1, 2, 3, 6, 7, 100].map(waitBeforeRestart)).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
});

it('the wait is short again after a process ran for a minute', () => {
  expect(countFailures(5, 59_000)).toBe(6);
  expect(countFailures(5, 60_000)).toBe(1);
});
