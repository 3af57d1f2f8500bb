import type { AuditEvent, AuditOutcome } from './audit.repository.js';

/** The audit in the lines of MobileFirst's audit log (docs/protocol/mobilefirst.md §11). */

/** MobileFirst's types of operation; other acts have their own name. */
const TYPES: Readonly<Record<string, string>> = {
  sign_in: 'Login',
  'session.create': 'Login',
  'session.end': 'Logout',
  'application.create': 'ApplicationDeployment',
  'application.delete': 'ApplicationDeletion',
  'message.send': 'sendMessage',
  'tag.create': 'createTag',
  'tag.update': 'updateTag',
  'tag.delete': 'deleteTag',
};
const OUTCOMES: Readonly<Record<AuditOutcome, string>> = { done: 'SUCCESS', refused: 'ERROR', failed: 'ERROR' };
/** Of lines and fields. An id has neither: a name of a person can. */
const SEPARATORS = /[|\r\n]/g;

/** Time stamp, type, user, outcome, error code and runtime, separated by bars; without the end of the line. */
export function toLogLine({ at, action, actor, outcome, detail }: AuditEvent, runtimeName: string): string {
  const code = outcome !== 'done' && typeof detail.status === 'number' ? String(detail.status) : '';
  const user = actor.clientId.replaceAll(SEPARATORS, ' ');
  return [at.toISOString(), TYPES[action] ?? action, user, OUTCOMES[outcome], code, runtimeName].join('|');
}
