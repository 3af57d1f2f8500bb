import { createHash } from 'node:crypto';
import type { AuditEvent } from '../auth/audit.repository.js';
import { toEventAnswer } from '../auth/operations.dto.js';
import { canonicalJson } from '../common/revision.js';

/** The hash of an event in the chain, pure. */

/**
 * SHA-256 over the hash of the event before (32 bytes; none for the first) and the event as the API answers it,
 * without `hash`, as canonical JSON (RFC 8785). A member that a later release adds has to be absent in older events.
 */
export function chainHash(before: Buffer, event: AuditEvent, seq: number): Buffer {
  const { hash: _own, ...answer } = toEventAnswer({ ...event, seq });
  return createHash('sha256').update(before).update(canonicalJson(answer)).digest();
}
