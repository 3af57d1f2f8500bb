import type { DeliverableEvent } from './receiver.js';

/** Syslog messages (RFC 5424) with their length in front (RFC 5425), pure. */

/** RFC 5424 §6.2.1: the facility "log audit". */
const FACILITY = 13;
const SEVERITY = { failed: 3, refused: 4, done: 6 } as const;
/** RFC 5424 §7.3.1. */
const MAX_SEQUENCE = 2_147_483_647;

export interface SyslogOrigin {
  host: string;
  pid: number;
}

/** The text is ASCII, so that neither a byte order mark nor a multi-byte sign can be misread. */
export function syslogFrame({ seq, at, action, outcome, json }: DeliverableEvent, { host, pid }: SyslogOrigin): string {
  const priority = FACILITY * 8 + SEVERITY[outcome];
  const head = [`<${priority}>1`, at.toISOString(), word(host, 255), 'carillon', pid, word(action, 32)].join(' ');
  const text = `${head} [meta sequenceId="${((seq - 1) % MAX_SEQUENCE) + 1}"] ${json}`;
  return `${text.length} ${text}`;
}

/** A field of the head: printable ASCII without spaces. */
function word(text: string, most: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, most) || '-';
}
