import { DEFAULT_SCOPE, covers, parseScope } from './scope.js';

/** What administrators may, pure. Roles are elements of an allowed scope like any other; docs/clients.md has their table. */

/** Of MobileFirst's administration, and for the same calls where it has them. */
export const ADMIN_ROLES = ['mfpadmin', 'mfpdeployer', 'mfpoperator', 'mfpmonitor'] as const;
export type AdminRole = (typeof ADMIN_ROLES)[number];

/**
 * The elements of `inner` that `outer` does not cover whole. A `*` in an inner element is compared as a character: only a
 * `*` of the outer one covers it, and then all that it can stand for.
 */
export function beyond(outer: string, inner: string): string[] {
  const own = [DEFAULT_SCOPE, ...(parseScope(outer) ?? [])];
  return (parseScope(inner) ?? ['*']).filter((element) => !covers(own, [element]));
}
