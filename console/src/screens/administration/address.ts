/** The filter of the audit, as the address has it. */
export interface AuditAddress {
  clientId?: string;
  action?: string;
  subject?: string;
  outcome?: Outcome;
}

export const OUTCOMES = ['done', 'refused', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const AUDIT_FIELDS = ['clientId', 'action', 'subject'] as const;

export function auditAddress(search: Record<string, unknown>): AuditAddress {
  const texts = AUDIT_FIELDS.flatMap((name) =>
    typeof search[name] === 'string' && search[name] !== '' ? [[name, search[name]]] : [],
  );
  const outcome = OUTCOMES.find((each) => each === search.outcome);
  return { ...(Object.fromEntries(texts) as AuditAddress), ...(outcome && { outcome }) };
}
