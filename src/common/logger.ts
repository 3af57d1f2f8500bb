import type { LoggerService } from '@nestjs/common';
import { pino, stdTimeFunctions } from 'pino';
import type { Logger as Pino } from 'pino';
import type { LogLevel } from './log-level.js';
import { readable } from './readable.js';
import { redact } from './redact.js';
import { Repeats, kindOf } from './repeats.js';

/** Nest's own lines about modules and routes: forty at each start, of no use to an operator. */
const FRAMEWORK = new Set(['InstanceLoader', 'NestApplication', 'NestFactory', 'RouterExplorer', 'RoutesResolver']);
/** Characters of a message, and of a stack. */
const LONGEST = 8_192;

/** A line with fields of its own: `new Logger('Context').warn({ msg, … })`. */
export interface LogLine {
  msg: string;
  /** Lines with the same `msg` and the same first line of the stack are of one kind. */
  stack?: string;
  /** The place that writes the line bounds the number of such lines itself. */
  isBounded?: true;
  [field: string]: unknown;
}

interface Options {
  level: LogLevel;
  /** Else for a person to read. */
  json: boolean;
  /** Of this process, if there are several. */
  name?: string;
}

/**
 * Nest's logger, by pino: one line per event. While a server is away every use of it fails, hundreds of times a second:
 * the first warning or error of a kind is written, and a minute later the number of further ones.
 */
export class AppLogger implements LoggerService {
  private readonly repeats = new Repeats();
  private readonly pino: Pino;

  constructor({ level, json, name }: Options, output: { write(line: string): void }) {
    this.pino = pino(
      {
        level,
        base: { pid: process.pid, ...(name !== undefined && { process: name }) },
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        hooks: { streamWrite: json ? redact : (line) => redact(readable(line)) },
      },
      output,
    );
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', toLine(message, rest));
  }

  log(message: unknown, ...rest: unknown[]): void {
    if (!FRAMEWORK.has(String(rest.at(-1)))) this.write('info', toLine(message, rest));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.writeOnce('warn', toLine(message, rest));
  }

  /** Nest also logs errors that it throws; the code that catches them logs them once. */
  error(message: unknown, ...rest: unknown[]): void {
    if (!FRAMEWORK.has(String(rest.at(-1)))) this.writeOnce('error', toLine(message, rest));
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', toLine(message, rest));
  }

  private writeOnce(level: 'warn' | 'error', line: LogLine): void {
    const { isBounded, ...told } = line;
    const { context, msg, stack = '' } = told;
    const more = (count: number): void =>
      this.write(level, { context, msg: `${msg} (${count} more of this kind in a minute)` });
    const kind = (): string => kindOf([level, msg, stack.split('\n', 1)[0], context].join(' '));
    if (isBounded || this.repeats.isFirst(kind(), more)) this.write(level, told);
  }

  private write(level: LogLevel, line: LogLine): void {
    this.pino[level](line);
  }
}

/** Nest gives the message, for some calls a stack, and last the context. */
function toLine(message: unknown, rest: readonly unknown[]): LogLine {
  const context = rest.at(-1);
  if (isLine(message)) return { context, ...message };
  const stack = message instanceof Error ? message.stack : rest.length > 1 ? rest[0] : undefined;
  const msg = message instanceof Error ? message.message : String(message);
  return { context, msg: msg.slice(0, LONGEST), ...(typeof stack === 'string' && { stack: stack.slice(0, LONGEST) }) };
}

function isLine(message: unknown): message is LogLine {
  return typeof message === 'object' && message !== null && 'msg' in message;
}
