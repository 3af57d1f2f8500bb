import { redact } from './redact.js';

/**
 * A line that the program writes without the logger but in its form: JSON in production, readable text in development
 * and on a terminal. No package is imported, so that a start that cannot load other modules is one line too.
 */
export function ownLine(json: boolean, level: 'info' | 'warn' | 'fatal', msg: string): string {
  if (!json) return `carillon: ${msg}\n`;
  const time = new Date(performance.timeOrigin + performance.now()).toISOString();
  return `${JSON.stringify({ level, time, pid: process.pid, context: 'Carillon', msg })}\n`;
}

/** Ends the process with exit code 1 and one line with the reason on stderr. */
export function endWith(json: boolean, level: 'warn' | 'fatal', why: string): never {
  process.stderr.write(ownLine(json, level, redact(why)));
  process.exit(1);
}
