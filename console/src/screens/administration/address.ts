import { textOf } from '../../parts/address';

/** The filter and the page of the audit, as the address has them. */
export interface AuditAddress {
  clientId?: string;
  action?: string;
  subject?: string;
  outcome?: Outcome;
  /** The id after which the page begins: its events are older. */
  before?: number;
}

export const OUTCOMES = ['done', 'refused', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const AUDIT_FIELDS = ['clientId', 'action', 'subject'] as const;

export function auditAddress(search: Record<string, unknown>): AuditAddress {
  const texts = AUDIT_FIELDS.flatMap((name) => {
    const text = textOf(search[name]);
    return text ? [[name, text]] : [];
  });
  const outcome = OUTCOMES.find((each) => each === search.outcome);
  return {
    ...(Object.fromEntries(texts) as AuditAddress),
    ...(outcome && { outcome }),
    ...(Number.isSafeInteger(search.before) && Number(search.before) > 0 && { before: Number(search.before) }),
  };
}

/** A part of the name or the id of a client. */
export function clientsAddress(search: Record<string, unknown>): { find?: string } {
  const find = textOf(search.find);
  return find ? { find } : {};
}
