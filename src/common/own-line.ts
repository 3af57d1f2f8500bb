/**
 * A line that the program writes without Nest's logger but in its form: JSON in production, readable text in
 * development. It imports nothing, so that a start that cannot load other modules is reported in one line too.
 */
export function ownLine(production: boolean, level: 'log' | 'warn' | 'fatal', message: string): string {
  if (!production) return `carillon: ${message}\n`;
  const timestamp = Math.round(performance.timeOrigin + performance.now());
  return `${JSON.stringify({ level, pid: process.pid, timestamp, message, context: 'Carillon' })}\n`;
}

/** Ends the process with exit code 1 and one line with the reason on stderr. */
export function endWith(production: boolean, level: 'warn' | 'fatal', why: string): never {
  process.stderr.write(ownLine(production, level, why));
  process.exit(1);
}
