import { DAY_MS, ENDS_SOON_DAYS, MINUTE_MS, SECOND_MS } from '../common/durations.js';
import { MOST_SKEW_MS } from '../database/database-watch.js';
import type { MissingRole, ProcessReport } from './process.repository.js';
import type {
  AuditState,
  EndingCredential,
  EndingSecret,
  FailingWebhook,
  PausedProvider,
  StoppedApplication,
} from './system.repository.js';

/** The troubles of the moment in words, pure. */

export const PROBLEM_CODES = [
  'databaseReadOnly',
  'queueDown',
  'clockWrong',
  'standbyBehind',
  'auditBehind',
  'noWorker',
  'noScheduler',
  'applicationStopped',
  'providerPaused',
  'credentialEnds',
  'certificateEnds',
  'secretEnds',
  'webhookFailing',
] as const;

export interface Problem {
  code: (typeof PROBLEM_CODES)[number];
  message: string;
  /** Null: not known. */
  since: Date | null;
  application: string | null;
  provider: string | null;
  /**
   * Of the client, the webhook, the role, the process, the receiver, or the person or client that stopped the
   * application.
   */
  name: string | null;
  /** In the words of the provider, the endpoint or the receiver. */
  reason: string | null;
  /** Of a credential, a secret or a certificate. */
  endsAt: Date | null;
  /** The next step for a person. */
  next: string;
}

const OF_NONE = { application: null, provider: null, name: null, reason: null, endsAt: null };

export const READ_ONLY: Omit<Problem, 'since'> = {
  ...OF_NONE,
  code: 'databaseReadOnly',
  message: 'The database takes no writes: nothing is accepted or sent.',
  next: 'Look whether DATABASE_URL leads to the primary, and whether its disk is full.',
};

export const QUEUE_DOWN: Omit<Problem, 'since'> = {
  ...OF_NONE,
  code: 'queueDown',
  message: 'The queue cannot be reached or refuses writes: messages are accepted, and sent when the queue is back.',
  next: 'Start the server of QUEUE_URL, or look whether its memory is full; the sweeper then queues all work again.',
};

/** An event reaches its receiver within seconds. */
const AUDIT_LATE_MS = MINUTE_MS;

export function ofAudit({ receiver, behind, oldestAt, error }: AuditState, now: number): Problem[] {
  if (receiver === null || oldestAt === null || now - oldestAt.getTime() < AUDIT_LATE_MS) return [];
  return [
    {
      ...OF_NONE,
      code: 'auditBehind',
      message: `${behind} events of the audit are not in the ${receiver} yet: ${error ?? 'no scheduler sends them'}.`,
      name: receiver,
      reason: error,
      since: oldestAt,
      next: 'Look at the receiver of AUDIT_SYSLOG_URL or AUDIT_FILE; the events are kept and sent in order.',
    },
  ];
}

export const STANDBY_BEHIND: Omit<Problem, 'since'> = {
  ...OF_NONE,
  code: 'standbyBehind',
  message: 'The standby of DATABASE_READ_URL is away or too far behind: reports and lists are read from the primary.',
  next: 'Look at the replication of the standby.',
};

/** Of a process that runs. */
export function isClockWrong({ isLost, clockAheadMs }: ProcessReport): boolean {
  return !isLost && Math.abs(clockAheadMs ?? 0) > MOST_SKEW_MS;
}

export function ofClock({ name, host, clockAheadMs }: ProcessReport): Problem {
  const seconds = Math.round((clockAheadMs ?? 0) / SECOND_MS);
  return {
    ...OF_NONE,
    code: 'clockWrong',
    message: `The clock of ${name} on ${host} is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the database’s: this process sends nothing until the clock is right.`,
    since: null,
    name: `${name} on ${host}`,
    next: 'Compare the clocks of the database’s host and of this host, and start their time service.',
  };
}

export function ofMissing({ role, since }: MissingRole): Problem {
  const isWorker = role === 'worker';
  const what = isWorker ? 'deliveries wait' : 'campaigns or scheduled messages are due';
  return {
    ...OF_NONE,
    code: isWorker ? 'noWorker' : 'noScheduler',
    message: `No process with the role ${role} runs, and ${what}.`,
    name: role,
    since,
    next: `Start a process with ROLES=${role}; if one should run, its log says why it has ended.`,
  };
}

export function ofStop({ applicationId, by, since }: StoppedApplication): Problem {
  return {
    ...OF_NONE,
    code: 'applicationStopped',
    message: `The application was stopped${by === null ? '' : ` by ${by}`}: nothing of it is sent.`,
    since,
    application: applicationId,
    name: by,
    next: 'Lift the stop when its reason is gone: DELETE …/stop.',
  };
}

export function ofPause({ applicationId, provider, reason, since }: PausedProvider): Problem {
  return {
    ...OF_NONE,
    code: 'providerPaused',
    message: `Sending is paused: ${reason}`,
    since,
    application: applicationId,
    provider,
    reason,
    next: 'Correct the settings of the provider, which ends the pause; or resume it: POST …/providers/{provider}/resume.',
  };
}

/** `now`: epoch ms. */
export function ofCredential({ applicationId, provider, endsAt }: EndingCredential, now: number): Problem {
  const day = endsAt.toISOString().slice(0, 10);
  const isOver = endsAt.getTime() <= now;
  return {
    ...OF_NONE,
    code: 'credentialEnds',
    message: isOver ? `The certificate has expired on ${day}.` : `The certificate expires on ${day}.`,
    since: new Date(endsAt.getTime() - ENDS_SOON_DAYS * DAY_MS),
    application: applicationId,
    provider,
    endsAt,
    next: 'Make a new certificate and store it in the settings of the provider, or use a token key, which does not expire.',
  };
}

export function ofSecret({ clientId, endsAt }: EndingSecret): Problem {
  return {
    ...OF_NONE,
    code: 'secretEnds',
    message: `The secret of the client ${clientId} ends on ${endsAt.toISOString()}, and no other follows.`,
    name: clientId,
    endsAt,
    since: new Date(endsAt.getTime() - ENDS_SOON_DAYS * DAY_MS),
    next: 'Rotate the secret, with an overlap in which the backend takes the new one; or disable the client.',
  };
}

/** Of the process that answers. */
export function ofCertificate(endsAt: Date): Problem {
  return {
    ...OF_NONE,
    code: 'certificateEnds',
    message: `The certificate of this server ends on ${endsAt.toISOString().slice(0, 10)}.`,
    since: null,
    endsAt,
    next: 'Replace the files of TLS_CERT_FILE and TLS_KEY_FILE, and send SIGHUP to each process.',
  };
}

export function ofWebhook({ applicationId, name, reason, since }: FailingWebhook): Problem {
  return {
    ...OF_NONE,
    code: 'webhookFailing',
    message: `The webhook ${name} takes no events${reason === null ? '' : `: ${reason}`}`,
    since,
    application: applicationId,
    name,
    reason,
    next: 'Repair the endpoint: its events are kept and tried again.',
  };
}
