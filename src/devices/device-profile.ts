import { ValidateBy } from 'class-validator';
import type { Reading } from '../common/fields.js';
import { ExactNumber, isJsonObject } from '../common/json.js';
import { canonicalZone } from '../common/zone-name.js';

/** Rules for the extension fields of a device (language, time zone, app version, attributes), and their decorators. */

const MAX_LANGUAGE = 64;
const MAX_ATTRIBUTES = 64;
const MAX_NAME = 64;
const MAX_TEXT = 1_024;
/** Bytes of all attributes as JSON, so that a million devices have at most 4 GB. */
const MAX_BYTES = 4_096;

/** The reason why a value is not a language; null if it is one. */
export function wrongLanguage(value: unknown): string | null {
  const reason = 'it must be a BCP 47 language tag such as de-CH';
  if (typeof value !== 'string' || value.length > MAX_LANGUAGE) return reason;
  try {
    return Intl.getCanonicalLocales(value).length === 1 ? null : reason;
  } catch {
    return reason;
  }
}

/** The canonical form, in which languages are stored: `DE-ch` becomes `de-CH`. */
export function canonicalLanguage(language: string): string {
  return Intl.getCanonicalLocales(language)[0] ?? language;
}

export function wrongTimeZone(value: unknown): string | null {
  const isKnown = typeof value === 'string' && canonicalZone(value) !== undefined;
  return isKnown ? null : 'it must be an IANA time zone such as Europe/Zurich';
}

/** The canonical name, under which time zones are stored. */
export function canonicalTimeZone(name: string): string {
  return canonicalZone(name) ?? name;
}

/** Checks a flat object of text, numbers and booleans; returns the reason of a refusal, or null. */
export function wrongAttributes(value: unknown): string | null {
  if (!isJsonObject(value)) return 'it must be an object';
  const entries = Object.entries(value);
  if (entries.length > MAX_ATTRIBUTES) return `it must have at most ${MAX_ATTRIBUTES} attributes`;
  for (const [name, each] of entries) {
    if (name === '' || name.length > MAX_NAME) return `a name must be 1 to ${MAX_NAME} characters`;
    if (each instanceof ExactNumber)
      return `the number ${each.text.slice(0, 40)} cannot be stored exactly: send it as text`;
    if (!isScalar(each)) return 'each value must be text, a number or a boolean';
    if (typeof each === 'string' && each.length > MAX_TEXT) return `each text must be at most ${MAX_TEXT} characters`;
  }
  return Buffer.byteLength(JSON.stringify(value)) > MAX_BYTES ? `it must be at most ${MAX_BYTES} bytes of JSON` : null;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

export const IsLanguage = (): PropertyDecorator => decorate('isLanguage', wrongLanguage, { maxLength: MAX_LANGUAGE });
export const IsTimeZone = (): PropertyDecorator => decorate('isTimeZone', wrongTimeZone, {});
export const IsAttributes = (): PropertyDecorator =>
  decorate('isAttributes', wrongAttributes, {
    maxProperties: MAX_ATTRIBUTES,
    additionalProperties: {
      oneOf: [{ type: 'string', maxLength: MAX_TEXT }, { type: 'number' }, { type: 'boolean' }],
    },
  });

function decorate(
  name: string,
  wrong: (value: unknown) => string | null,
  schema: NonNullable<Reading['schema']>,
): PropertyDecorator {
  const context: Reading = { schema };
  const validate = (value: unknown): boolean => wrong(value) === null;
  return ValidateBy(
    { name, validator: { validate, defaultMessage: (given) => wrong(given?.value) ?? '' } },
    { context },
  );
}
