import type { Setting } from './setting.js';

/** The settings of the audit: a part of the list in settings.ts. */
export const AUDIT_SETTINGS: readonly Setting[] = [
  {
    name: 'AUDIT_SYSLOG_URL',
    fallback: '',
    meaning:
      '`tls://host:6514` of a syslog receiver (RFC 5424 over TLS) that gets every event of the audit; empty: none. For the processes with the role `scheduler`',
  },
  {
    name: 'AUDIT_SYSLOG_CA_FILE',
    fallback: '',
    meaning: 'PEM file of the authority of this receiver; empty: the authorities that Node knows',
  },
  {
    name: 'AUDIT_FILE',
    fallback: '',
    meaning:
      'file to which every event of the audit is appended as a line of JSON, in place of `AUDIT_SYSLOG_URL`; may be moved away at any time',
  },
  {
    name: 'AUDIT_RETENTION_DAYS',
    fallback: '0',
    meaning: 'days after which an event of the audit is removed; `0`: never',
  },
];
