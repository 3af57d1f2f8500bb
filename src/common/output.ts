import type { Writable } from 'node:stream';
import { ownLine } from './own-line.js';

const TELL_EVERY_MS = 10_000;
/** Characters that wait for a slow reader of the log; beyond, lines are dropped. */
const MOST_WAITING = 4 * 2 ** 20;

/**
 * The output of the log. No request waits for its reader: lines of one turn of the event loop are written together, a
 * reader that is slow or stands still costs at most 4 MiB, and a pipe that has ended (EPIPE) or a full disk (ENOSPC)
 * ends nothing. Lines that cannot be written are dropped and counted, and the count is told when it can be.
 */
export class LogOutput {
  private text = '';
  private lines = 0;
  private dropped = 0;
  private timer: NodeJS.Timeout | undefined;

  /** `tell` makes the line with the number of dropped lines. */
  constructor(
    private readonly stream: Pick<Writable, 'write' | 'on' | 'writableLength'>,
    private readonly tell: (dropped: number) => string,
    private readonly everyMs = TELL_EVERY_MS,
  ) {
    surviveErrors(stream);
  }

  write(line: string): void {
    if (this.isFull()) return this.drop(1);
    if (this.lines === 0) setImmediate(() => this.flush());
    this.lines++;
    this.text += line;
  }

  /** Hands over what this turn has written; at an exit, when there is no next turn. */
  flush(): void {
    const { text, lines } = this;
    if (lines === 0) return;
    this.text = '';
    this.lines = 0;
    this.stream.write(text, (error) => error && this.drop(lines));
  }

  private isFull(): boolean {
    return this.stream.writableLength + this.text.length > MOST_WAITING;
  }

  private drop(lines: number): void {
    this.dropped += lines;
    this.timer ??= setTimeout(() => this.report(), this.everyMs).unref();
  }

  private report(): void {
    this.timer = undefined;
    const { dropped } = this;
    if (this.isFull()) return this.drop(0);
    this.dropped = 0;
    this.stream.write(this.tell(dropped), (error) => error && this.drop(dropped));
  }
}

/** Node raises a failed write as an 'error' event, which ends a process without a listener. */
export function surviveErrors(...streams: readonly Pick<Writable, 'on'>[]): void {
  for (const stream of streams) stream.on('error', () => undefined);
}

/** The log goes to stdout. */
export function openLogOutput(json: boolean): LogOutput {
  const output = new LogOutput(process.stdout, (dropped) =>
    ownLine(json, 'warn', `${dropped} lines of the log could not be written`),
  );
  process.on('exit', () => output.flush());
  return output;
}
