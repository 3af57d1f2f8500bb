import type { Writable } from 'node:stream';

const TELL_EVERY_MS = 10_000;

/**
 * Lets the process live when its log cannot be written: the reader of the pipe has ended (EPIPE), or the disk is full (ENOSPC).
 * Node raises both as an 'error' event, which ends a process that does not listen for it. The lines are dropped and counted;
 * `tell` makes the line that says how many, which is tried every ten seconds until it is written.
 */
export function surviveWriteErrors(stream: Writable, tell: (dropped: number) => string, everyMs = TELL_EVERY_MS): void {
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  const report = (): void => {
    timer = undefined;
    const count = dropped;
    dropped = 0;
    stream.write(tell(count), (error) => {
      // The 'error' event has counted this line, which was none of the log's.
      if (error) dropped += count - 1;
    });
  };
  stream.on('error', () => {
    dropped++;
    timer ??= setTimeout(report, everyMs).unref();
  });
}
