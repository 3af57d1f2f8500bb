/**
 * A line that the program writes without Nest's logger, in the form of its lines: JSON in production, for people in development.
 * It needs nothing else loaded, so that a start which cannot load the rest is told in one line too.
 */
export function ownLine(production: boolean, level: 'log' | 'warn' | 'fatal', message: string): string {
  if (!production) return `carillon: ${message}\n`;
  const timestamp = Math.round(performance.timeOrigin + performance.now());
  return `${JSON.stringify({ level, pid: process.pid, timestamp, message, context: 'Carillon' })}\n`;
}

/** Ends the process with 1, and a line of why on stderr. */
export function endWith(production: boolean, level: 'warn' | 'fatal', why: string): never {
  process.stderr.write(ownLine(production, level, why));
  process.exit(1);
}
