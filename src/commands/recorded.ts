import { hostname, userInfo } from 'node:os';
import { AuditRepository } from '../auth/audit.repository.js';
import { rootCause } from '../common/errors.js';
import { queriesOf } from '../database/database.js';
import type { Database } from '../database/database.js';

/** The actor of commands; no client's id has a colon. */
const OPERATOR = { clientId: 'operator:command', address: 'local' };

/** Records the act in the audit of the database. The act is done: a failure is a line, and does not undo it. */
export async function recordCommand(
  database: Pick<Database, 'pool'>,
  say: (line: string) => void,
  command: 'backup' | 'checkpoint' | 'migrate' | 'move_to' | 'rekey' | 'restore',
  detail: Record<string, unknown> = {},
): Promise<void> {
  const events = new AuditRepository({ kysely: queriesOf(database.pool) });
  const by = { user: userName(), host: hostname() };
  const act = { action: `command.${command}`, subject: '', detail: { ...detail, ...by } };
  await events
    .record(OPERATOR, act)
    .catch((error: unknown) => say(`The audit could not take this act: ${rootCause(error)}`));
}

/** In a container the user may have a number alone. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
