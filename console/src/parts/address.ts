/** A text of the address: the router reads one of digits as a number. Undefined if it is absent, or no text. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
