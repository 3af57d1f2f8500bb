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
    (name) => JSON.stringify(old!.get(name)) !== JSON.stringify(now!.get(name)),
  );
  if (names.length === 0) return null;
  const pick = (from: Map<string, unknown>) =>
    Object.fromEntries(names.filter((name) => from.has(name)).map((name) => [name, from.get(name)]));
  return { before: pick(old!), after: pick(now!) };
}
