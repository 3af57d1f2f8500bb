import type { Writable } from 'node:stream';
import { ownLine } from './own-line.js';

const TELL_EVERY_MS = 10_000;

/**
 * Keeps the process alive if its log cannot be written: the reader of the pipe has ended (EPIPE), or the disk is full
 * (ENOSPC). Node raises both as an 'error' event, which ends a process without a listener. The lines are dropped and
 * counted; `tell` makes the line with their number, which is tried every ten seconds until it is written.
 */
export function surviveWriteErrors(stream: Writable, tell: (dropped: number) => string, everyMs = TELL_EVERY_MS): void {
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  const report = (): void => {
    timer = undefined;
    const count = dropped;
    dropped = 0;
    stream.write(tell(count), (error) => {
      // The 'error' event has also counted this line, which is not a dropped line of the log.
      if (error) dropped += count - 1;
    });
  };
  stream.on('error', () => {
    dropped++;
    timer ??= setTimeout(report, everyMs).unref();
  });
}

/** `surviveWriteErrors` for both streams of the log. */
export function surviveLogErrors(production: boolean): void {
  for (const stream of [process.stdout, process.stderr])
    surviveWriteErrors(stream, (dropped) =>
      ownLine(production, 'warn', `${dropped} lines of the log could not be written`),
    );
}
