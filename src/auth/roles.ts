import { DEFAULT_SCOPE, covers, parseScope } from './scope.js';

/**
 * Pure rules of administrators' rights. Roles are ordinary elements of an allowed scope; docs/clients.md has their
 * table.
 */

/** The roles of MobileFirst's administration, with the same calls where MobileFirst has them. */
export const ADMIN_ROLES = ['mfpadmin', 'mfpdeployer', 'mfpoperator', 'mfpmonitor'] as const;
export type AdminRole = (typeof ADMIN_ROLES)[number];

/**
 * The elements of `inner` that `outer` does not cover completely. A `*` in an inner element is compared as a character:
 * only a `*` of the outer one covers it, with everything that it can match.
 */
export function beyond(outer: string, inner: string): string[] {
  const own = [DEFAULT_SCOPE, ...(parseScope(outer) ?? [])];
  return (parseScope(inner) ?? ['*']).filter((element) => !covers(own, [element]));
}
