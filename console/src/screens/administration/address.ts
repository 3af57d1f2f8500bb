/** The filter of the audit, as the address has it. */
export interface AuditAddress {
  clientId?: string;
  action?: string;
  subject?: string;
}

export const AUDIT_FIELDS = ['clientId', 'action', 'subject'] as const;

export function auditAddress(search: Record<string, unknown>): AuditAddress {
  return Object.fromEntries(
    AUDIT_FIELDS.flatMap((name) =>
      typeof search[name] === 'string' && search[name] !== '' ? [[name, search[name]]] : [],
    ),
  );
}
