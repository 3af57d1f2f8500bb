import type { Setting } from './setting.js';

/** The settings of the audit: a part of the list in settings.ts. */
export const AUDIT_SETTINGS: readonly Setting[] = [
  {
    name: 'AUDIT_RETENTION_DAYS',
    fallback: '0',
    meaning: 'days after which an event of the audit is removed; `0`: never',
  },
];
