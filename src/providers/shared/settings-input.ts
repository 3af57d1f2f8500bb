import { InvalidSettings } from '../provider.js';

/** Helpers of every provider's `parseSettings`. */

/** Returns the field if it is text of the given form; otherwise throws InvalidSettings. */
export function matching(input: Record<string, unknown>, field: string, form: RegExp, reason: string): string {
  const value = input[field];
  if (typeof value !== 'string' || !form.test(value)) throw new InvalidSettings(field, reason);
  return value;
}
