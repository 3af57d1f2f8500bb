import { Logger } from '@nestjs/common';
import { DeadlineError } from './deadline.js';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './durations.js';
import { rootCause } from './errors.js';
import { isUnavailable } from './unavailable.js';

/** After a failure, a server has to work for this long: if it fails and works by turns, that is one outage. */
export const CALM_MS = 10 * SECOND_MS;
/** Without news for this long, for example because no caller needs the server, an outage is forgotten. */
const FORGET_MS = HOUR_MS;
/** Outages of one kind that have lines of their own; the others share theirs. */
const MOST = 100;

type Log = Pick<Logger, 'log' | 'warn' | 'error'>;

interface Words {
  begins: string;
  ends: string;
  /** Of the lines but the last one. */
  level?: 'warn' | 'error';
}

/** An outage of another server: a line of the log when it begins, one a minute, and one when it is over. */
export class Outage {
  /** By a clock that never steps. */
  private since: number | null = null;
  private failedAt = 0;
  private failures = 0;
  private cause = '';
  private minutes: NodeJS.Timeout | undefined;
  private calm: NodeJS.Timeout | undefined;

  constructor(
    private readonly log: Log,
    private readonly words: Words,
    private readonly onEnd: () => void = () => undefined,
  ) {}

  get isOpen(): boolean {
    return this.since !== null;
  }

  /** `why`: the error, or its cause in words. */
  failed(why: unknown): void {
    this.cause = typeof why === 'string' ? why : rootCause(why);
    this.failedAt = performance.now();
    this.failures++;
    clearTimeout(this.calm);
    this.calm = undefined;
    if (this.since !== null) return;
    this.since = this.failedAt;
    this.tell(this.words.begins);
    this.minutes = setInterval(() => this.tellMinute(), MINUTE_MS).unref();
  }

  /** The server has done what it was asked for. */
  worked(): void {
    if (this.since === null || this.calm !== undefined) return;
    const seconds = Math.round((performance.now() - this.since) / SECOND_MS);
    this.calm = setTimeout(() => {
      this.log.log(`${this.words.ends}, after ${seconds} s`);
      this.end();
    }, CALM_MS).unref();
  }

  private tellMinute(): void {
    const now = performance.now();
    if (now - this.failedAt > FORGET_MS) this.end();
    if (this.since === null || this.failures === 0) return;
    const minutes = Math.round((now - this.since) / MINUTE_MS);
    this.tell(`${this.words.begins} (for ${minutes} min, ${this.failures} failures in the last)`);
  }

  private tell(line: string): void {
    this.failures = 0;
    this.log[this.words.level ?? 'error']({ msg: `${line}: ${this.cause}`, isBounded: true });
  }

  private end(): void {
    clearInterval(this.minutes);
    clearTimeout(this.calm);
    this.calm = undefined;
    this.failures = 0;
    this.since = null;
    this.onEnd();
  }
}

/** Outages of one kind by the name of the server. */
export class Outages {
  private readonly open = new Map<string, Outage>();

  constructor(
    private readonly log: Log,
    private readonly wordsOf: (name: string) => Words,
    private readonly others: string,
  ) {}

  failed(name: string, why: unknown): void {
    const key = this.open.has(name) || this.open.size < MOST ? name : this.others;
    let outage = this.open.get(key);
    if (!outage)
      this.open.set(key, (outage = new Outage(this.log, this.wordsOf(key), () => void this.open.delete(key))));
    outage.failed(why);
  }

  worked(name: string): void {
    if (this.open.size > 0) (this.open.get(name) ?? this.open.get(this.others))?.worked();
  }
}

/** Every part of the program meets it; DatabaseWatch tells when the database works. */
export const databaseOutage = new Outage(new Logger('Database'), {
  begins: 'The database cannot be used',
  ends: 'The database can be used again',
});

/** Tells of work that failed and is repeated, or, if the database was its cause, of the outage of the database. */
export function tellFailure(log: Log, what: string, error: unknown, level: 'warn' | 'error' = 'warn'): void {
  // Work that did not end in time has often waited for something else.
  if (isUnavailable(error) && !(error instanceof DeadlineError)) databaseOutage.failed(error);
  else log[level](`${what}: ${rootCause(error)}`);
}
