/**
 * The texts of a claim by its dotted path: a list of texts, or a single text, mean the same. Names may contain dots
 * (`resource_access.my.client.roles`, `https://example.com/roles`), so every way to cut the path is tried, the longest
 * names first. Empty: there is no such claim, or it has another form. Pure.
 */
export function readTexts(claims: unknown, path: string): string[] {
  return search(claims, path.split('.')) ?? [];
}

function search(value: unknown, names: readonly string[]): string[] | null {
  if (names.length === 0) return textsOf(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  for (let taken = names.length; taken > 0; taken--) {
    const name = names.slice(0, taken).join('.');
    const found = Object.hasOwn(value, name)
      ? search((value as Record<string, unknown>)[name], names.slice(taken))
      : null;
    if (found) return found;
  }
  return null;
}

function textsOf(value: unknown): string[] | null {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : null;
}
