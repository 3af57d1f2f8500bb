import { Logger } from '@nestjs/common';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type * as fs from 'node:fs';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StartError } from '../../common/start-error.js';
import { lockFolder } from './folder-lock.js';

const MINE = expect.stringMatching(new RegExp(`^${process.pid} ${hostname()}( (\\d+|-) \\d+)\n$`)) as string;
vi.mock('node:fs', async (load) => {
  const real = await load<typeof fs>();
  return { ...real, statSync: vi.fn<typeof fs.statSync>(real.statSync) };
});

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-lock-'));
  lock = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The number of a process that has ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

it('creates a private folder, writes a lock with the holder, and releases it', () => {
  const inner = join(folder, 'a', 'b');
  const release = lockFolder(inner);
  expect(readFileSync(join(inner, 'lock'), 'utf8')).toEqual(MINE);
  expect(statSync(inner).mode & 0o777).toBe(0o700);
  release();
  expect(existsSync(join(inner, 'lock'))).toBe(false);
});

it('refuses a folder locked by a running process, names the process, and leaves the lock', () => {
  writeFileSync(lock, `${process.ppid}\n`);
  expect(() => lockFolder(folder)).toThrow(StartError);
  expect(() => lockFolder(folder)).toThrow(`DATA_DIR ${folder} is in use by process ${process.ppid}`);
  expect(readFileSync(lock, 'utf8')).toBe(`${process.ppid}\n`);
});

it("refuses a folder locked by another user's process, which cannot be signalled", () => {
  // Process 1 is root's; for root itself it is simply running.
  writeFileSync(lock, '1\n');
  expect(() => lockFolder(folder)).toThrow('is in use by process 1');
});

it.runIf(existsSync('tells a stopped holder from another process with the same number'))(
  'knows a holder that was stopped from another process with its number',
  () => {
    const inner = join(folder, 'own');
    lockFolder(inner);
    const start = readFileSync(join(inner, 'lock'), 'utf8').trim().split(' ')[2]!;
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    const parents = /.*\) (?:\S+ ){19}(\d+)/.exec(stat)![1]!;
    expect(Number(start)).toBeGreaterThanOrEqual(Number(parents));
    writeFileSync(lock, `${process.ppid} ${hostname()} ${parents}\n`);
    utimesSync(lock, new Date(0), new Date(0));
    expect(() => lockFolder(folder)).toThrow(`is in use by process ${process.ppid}`);
    writeFileSync(lock, `${process.ppid} ${hostname()} ${Number(parents) - 1}\n`);
    expect(() => lockFolder(folder)).toThrow(`is in use by process ${process.ppid}`);
    utimesSync(lock, new Date(0), new Date(0));
    lockFolder(folder);
    expect(readFileSync(lock, 'utf8')).toEqual(MINE);
  },
);

it('takes a lock that is released during the check', () => {
  writeFileSync(lock, '7 other-container\n');
  vi.mocked(statSync).mockImplementationOnce((file) => {
    rmSync(file);
    return statSync(file);
  });
  lockFolder(folder);
  expect(readFileSync(lock, 'utf8')).toEqual(MINE);
});

it('takes over the lock of a dead process', async () => {
  writeFileSync(lock, `${await deadProcess()}\n`);
  lockFolder(folder);
  expect(readFileSync(lock, 'utf8')).toEqual(MINE);
});

it.each(['takes over a lock without a valid process: %j', 'nonsense', '-1\n', '0\n', `${process.pid}\n`])(
  'takes over a lock that names nobody: %j',
  (content) => {
    // The last: in a container every process is number 1, including the one that left the lock.
    writeFileSync(lock, content);
    lockFolder(folder);
    expect(readFileSync(lock, 'utf8')).toEqual(MINE);
  },
);

it('refuses a lock recently touched by a container with another name, and takes over a stale one', () => {
  // The number may be that of any process here, even our own.
  writeFileSync(lock, `${process.pid} other-container\n`);
  expect(() => lockFolder(folder)).toThrow(`DATA_DIR ${folder} is in use by process ${process.pid} on other-container`);
  utimesSync(lock, new Date(), new Date(Date.now() - 16_000));
  const release = lockFolder(folder);
  expect(readFileSync(lock, 'utf8')).toEqual(MINE);
  release();
});

it('refuses a lock touched in the same millisecond', () => {
  writeFileSync(lock, '7 other-container\n');
  const now = Date.now() / 1_000;
  utimesSync(lock, now, now + 0.000_9);
  vi.useFakeTimers({ toFake: ['Date'], now: Math.floor(now * 1_000) });
  try {
    expect(() => lockFolder(folder)).toThrow('is in use by process 7 on other-container');
  } finally {
    vi.useRealTimers();
  }
});

it('takes over a lock with a future time (a host whose clock is ahead) if it is not touched', () => {
  writeFileSync(lock, '7 other-container\n');
  const later = new Date(Date.now() + 3_600_000);
  utimesSync(lock, later, later);
  vi.useFakeTimers({ toFake: ['performance'] });
  const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    vi.advanceTimersByTime(250);
    return 'timed-out';
  });
  try {
    lockFolder(folder)();
    expect(wait).toHaveBeenCalled();
  } finally {
    wait.mockRestore();
    vi.useRealTimers();
  }
});

it('refuses a lock with a future time that is touched', () => {
  writeFileSync(lock, '7 other-container\n');
  const touch = (ms: number): void => utimesSync(lock, new Date(), new Date(Date.now() + ms));
  touch(3_600_000);
  const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    touch(3_603_000);
    return 'timed-out';
  });
  expect(() => lockFolder(folder)).toThrow('is in use by process 7 on other-container');
  wait.mockRestore();
});

it('touches its lock regularly, so that other processes see that it is alive', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const release = lockFolder(folder);
    utimesSync(lock, new Date(0), new Date(0));
    vi.advanceTimersByTime(3_000);
    expect(Date.now() - statSync(lock).mtimeMs).toBeLessThan(15_000);
    release();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

it('reports in one line that the folder cannot be used', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(() => lockFolder(file)).toThrow(StartError);
  expect(() => lockFolder(file)).toThrow(/^DATA_DIR .*file cannot be written: E/);
});

describe('a lock in a copy of the folder', () => {
  /** Of a running process, and of another file. */
  const copied = (): void => writeFileSync(lock, `${process.ppid} ${hostname()} - 1\n`);
  const age = (seconds: number): void => {
    const then = new Date(Date.now() - seconds * 1_000);
    utimesSync(lock, then, then);
  };

  it.each([3_600, 13.5])('is taken over %d s after the copy', (seconds) => {
    copied();
    age(seconds);
    const said = vi.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    lockFolder(folder)();
    expect(said.mock.calls.flat().join('')).toMatch(/DATA_DIR .* is a copy/);
    said.mockRestore();
  });

  it('is refused while its holder touches it', async () => {
    copied();
    const holder = spawn('sh', ['-c', `while :; do touch "${lock}"; sleep 0.1; done`]);
    await once(holder, 'spawn');
    expect(() => lockFolder(folder)).toThrow(`is in use by process ${process.ppid}`);
    holder.kill();
    await once(holder, 'exit');
  });

  it('is refused if it is the file that its holder wrote', () => {
    copied();
    writeFileSync(lock, `${process.ppid} ${hostname()} - ${statSync(lock).ino}\n`);
    age(3_600);
    expect(() => lockFolder(folder)).toThrow('is in use');
  });
});
