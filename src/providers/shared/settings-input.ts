import { InvalidSettings } from '../provider.js';

/** Pieces of every provider's `parseSettings`. */

/** The field, when it is text of the given form. */
export function matching(input: Record<string, unknown>, field: string, form: RegExp, reason: string): string {
  const value = input[field];
  if (typeof value !== 'string' || !form.test(value)) throw new InvalidSettings(field, reason);
  return value;
}
