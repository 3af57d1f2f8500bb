import { existsSync, writeFileSync } from 'node:fs';

/** libfaketime (Debian's package `faketime`): sets the wall clock of a program from a file. Null: not installed. */
export const FAKETIME =
  ['x86_64', 'aarch64']
    .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
    .find((path) => existsSync(path)) ?? null;

/** Only the wall clock is changed: timers use the monotonic clock. */
export const FAKED = { LD_PRELOAD: FAKETIME ?? '', FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' };

/** A wall clock that is set while programs of any user run with it. */
export class FakeClock {
  readonly environment: Record<string, string>;

  constructor(private readonly file: string) {
    this.set(0);
    this.environment = { ...FAKED, NO_FAKE_STAT: '1', FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' };
  }

  /** Seconds by which the clock is ahead of the machine's. */
  set(seconds: number): void {
    writeFileSync(this.file, `${seconds < 0 ? '' : '+'}${Math.round(seconds)}`, { mode: 0o644 });
  }
}
