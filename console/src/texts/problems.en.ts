/** The problems of now, with the next step, by the codes of `GET /system`. */
export const problems = {
  databaseReadOnly: {
    what: 'The database takes no writes: nothing is accepted or sent.',
    next: 'Look whether DATABASE_URL leads to the primary, and whether its disk is full.',
  },
  queueDown: {
    what: 'The queue cannot be reached or refuses writes: messages are accepted, and sent when the queue is back.',
    next: 'Start the server of QUEUE_URL, or look whether its memory is full; the sweeper then queues all work again.',
  },
  clockWrong: {
    what: (process: string) => `The clock of ${process} is wrong: this process sends nothing until it is right.`,
    next: 'Compare the clocks of the database’s host and of this host, and start their time service.',
  },
  standbyBehind: {
    what: 'The standby of DATABASE_READ_URL is away or too far behind: reports and lists are read from the primary.',
    next: 'Look at the replication of the standby.',
  },
  auditBehind: {
    what: (receiver: string) => `Events of the audit do not reach the receiver (${receiver})`,
    noScheduler: 'no scheduler sends them',
    next: 'Look at the receiver of AUDIT_SYSLOG_URL or AUDIT_FILE; the events are kept and sent in order.',
  },
  noWorker: {
    what: 'No process with the role worker runs, and deliveries wait.',
    next: 'Start a process with ROLES=worker; if one should run, its log says why it has ended.',
  },
  noScheduler: {
    what: 'No process with the role scheduler runs, and campaigns or scheduled messages are due.',
    next: 'Start a process with ROLES=scheduler; if one should run, its log says why it has ended.',
  },
  applicationStopped: {
    what: 'The application was stopped: nothing of it is sent.',
    whatBy: (name: string) => `The application was stopped by ${name}: nothing of it is sent.`,
    next: 'Lift the stop on the overview of the application when its reason is gone.',
  },
  providerPaused: {
    what: 'Sending is paused',
    next: 'Correct the settings of the provider, which ends the pause; or resume it on the page Providers.',
  },
  credentialEnds: {
    what: (time: string) => `The certificate expires: ${time}.`,
    over: (time: string) => `The certificate has expired: ${time}.`,
    next: 'Make a new certificate and store it in the settings of the provider, or use a token key, which does not expire.',
  },
  certificateEnds: {
    what: (time: string) => `The certificate of this server ends: ${time}.`,
    next: 'Replace the files of TLS_CERT_FILE and TLS_KEY_FILE, and send SIGHUP to each process.',
  },
  secretEnds: {
    what: (client: string, time: string) => `The secret of the client ${client} ends, and no other follows: ${time}.`,
    next: 'Rotate the secret, with an overlap in which the backend takes the new one; or disable the client.',
  },
  webhookFailing: {
    what: (name: string) => `The webhook ${name} takes no events`,
    next: 'Repair the endpoint: its events are kept and tried again.',
  },
};

/** Effects on a firing, by the codes of its notes. */
export const firingNotes = {
  recipientTime: 'At this local time of each recipient; if a clock skips it, at the next minute that exists.',
  gap: (time: string, zone: string, instead: string) =>
    `${time} does not exist in ${zone}: the campaign fires at ${instead}.`,
  fold: (time: string, zone: string) => `${time} comes twice in ${zone}: the campaign fires the first time.`,
  held: (waves: string, all: string) => `Quiet hours hold ${waves} of ${all} waves until they have ended.`,
  dropped: (waves: string, all: string) => `Quiet hours drop ${waves} of ${all} waves.`,
  afterTtl: 'Deliveries due after the time to live are not sent.',
};
