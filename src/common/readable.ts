/** Fields that have a place of their own in a readable line, or stand in its message. */
interface Known extends Record<'pid' | 'method' | 'route' | 'status', unknown> {
  time: string;
  level: string;
  process?: string;
  context?: string;
  msg: string;
  stack?: string;
}

/** A line of the log for a person at a terminal; `line` is the same in JSON. */
export function readable(line: string): string {
  const { time, level, process, context, msg, stack, ...others } = JSON.parse(line) as Known;
  const { pid: _pid, method: _method, route: _route, status: _status, ...more } = others;
  const head = [time, level.toUpperCase().padStart(5), process && `[${process}]`, context && `[${context}]`, msg];
  const fields = Object.entries(more).map(([name, value]) => `${name}=${String(value)}`);
  return `${[...head.filter(Boolean), ...fields].map(plain).join(' ')}${stack ? `\n    ${plain(stack)}` : ''}\n`;
}

/** Characters that would move a terminal's cursor or change its colours are shown as question marks. */
function plain(text: unknown): string {
  return String(text).replace(/[^\P{Cc}\n]/gu, '?');
}
