import { revisionOf } from '../common/revision.js';

/**
 * The members that differ, before and after, for an audit event; null if none does. Values are those that the API
 * shows; a change of a secret is told by the caller.
 */
export function changesBetween(
  before: object | undefined,
  after: object | undefined,
): { before: Record<string, unknown>; after: Record<string, unknown> } | null {
  const [old, now] = [before ?? {}, after ?? {}].map((each) => new Map<string, unknown>(Object.entries(each)));
  const names = [...new Set([...old!.keys(), ...now!.keys()])].filter(
    (name) => !isSame(old!.get(name), now!.get(name)),
  );
  if (names.length === 0) return null;
  const pick = (from: Map<string, unknown>) =>
    Object.fromEntries(names.filter((name) => from.has(name)).map((name) => [name, from.get(name)]));
  return { before: pick(old!), after: pick(now!) };
}

/** The database keeps members in an order of its own. */
export function isSame(one: unknown, other: unknown): boolean {
  return revisionOf({ value: one }) === revisionOf({ value: other });
}

/** A target for an audit event: ids of devices and users are personal data, and up to ten thousand. */
export function auditedTarget(target: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  return (
    target &&
    Object.fromEntries(
      Object.entries(target).map(([name, value]) =>
        ['deviceIds', 'userIds'].includes(name) && Array.isArray(value) ? [name, `${value.length} ids`] : [name, value],
      ),
    )
  );
}
