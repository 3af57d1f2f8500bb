import { invalidValue, printable } from '../../common/errors.js';
import { canonicalZone } from '../../common/zone-name.js';
import type { DeviceAttributes, DeviceCondition } from '../../database/tables.js';
import { canonicalTimeZone } from '../../devices/device-profile.js';

/**
 * Reads the conditions of a target on devices, pure: `languages`, `timeZones`, `appVersion` and `attributes`. A device
 * must match all of them.
 */

export const CONDITIONS = ['languages', 'timeZones', 'appVersion', 'attributes'] as const;
export const MAX_VALUES = 1_000;
export const MAX_ATTRIBUTES = 20;
export const APP_VERSION = /^\d{1,9}(\.\d{1,9}){0,5}$/;
const LANGUAGE = /^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$/;

type Scalar = DeviceAttributes[string];

/** Throws FPWSE0005E. */
export function readConditions(given: Record<string, unknown>): DeviceCondition[] {
  return [
    ...(given.languages === undefined ? [] : [readLanguages(given.languages)]),
    ...(given.timeZones === undefined ? [] : [readZones(given.timeZones)]),
    ...(given.appVersion === undefined ? [] : [readVersions(given.appVersion)]),
    ...(given.attributes === undefined ? [] : readAttributes(given.attributes)),
  ];
}

function readLanguages(value: unknown): DeviceCondition {
  const of = readList('target.languages', value);
  if (!of.every(isLanguage)) throw invalidValue('target.languages', 'each must be a language tag, such as de or pt-BR');
  return { kind: 'language', of: of.map(normalizeLanguage) };
}

export function isLanguage(tag: unknown): tag is string {
  return typeof tag === 'string' && LANGUAGE.test(tag) && tag.length <= 35;
}

function normalizeLanguage(tag: string): string {
  return tag.toLowerCase().replaceAll('_', '-');
}

function readZones(value: unknown): DeviceCondition {
  const of = readList('target.timeZones', value);
  const known = of.every((zone): zone is string => typeof zone === 'string' && canonicalZone(zone) !== undefined);
  if (!known) throw invalidValue('target.timeZones', 'each must be an IANA time zone, such as Europe/Berlin');
  // Devices are stored under the canonical name; older rows have the name that the device sent.
  return { kind: 'timeZone', of: [...new Set([...of, ...of.map(canonicalTimeZone)])], orNone: false };
}

function readVersions(value: unknown): DeviceCondition {
  const field = 'target.appVersion';
  const { min, max } = readEnds(field, value);
  for (const end of [min, max])
    if (end !== undefined && (typeof end !== 'string' || !APP_VERSION.test(end)))
      throw invalidValue(field, 'min and max must be versions, such as "2.10.1"');
  return { kind: 'appVersion', min: min as string | undefined, max: max as string | undefined };
}

/** A value, a list of alternatives, or `{min, max}` for a number. */
function readAttributes(value: unknown): DeviceCondition[] {
  const field = 'target.attributes';
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidValue(field, 'it must be an object with attribute names and their required values');
  const entries = Object.entries(value as Record<string, unknown>);
  if (entries.length === 0 || entries.length > MAX_ATTRIBUTES)
    throw invalidValue(field, `it must have 1 to ${MAX_ATTRIBUTES} attributes`);
  return entries.map(([name, wanted]): DeviceCondition => {
    if (typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted)) {
      const { min, max } = readEnds(`${field}.${printable(name)}`, wanted);
      for (const end of [min, max])
        if (end !== undefined && !Number.isFinite(end))
          throw invalidValue(`${field}.${printable(name)}`, 'min and max must be numbers');
      return { kind: 'attributeRange', name, min: min as number | undefined, max: max as number | undefined };
    }
    const list = Array.isArray(wanted) ? readList(`${field}.${printable(name)}`, wanted) : [wanted];
    if (!list.every(isScalar))
      throw invalidValue(
        `${field}.${printable(name)}`,
        'it must be text, a number, true, false, a list of these, or {min, max}',
      );
    return { kind: 'attribute', name, in: list };
  });
}

function readEnds(field: string, value: unknown): { min?: unknown; max?: unknown } {
  const ends = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  const keys = Object.keys(ends);
  if (keys.length === 0 || !keys.every((key) => key === 'min' || key === 'max'))
    throw invalidValue(field, 'it must be {"min": …}, {"max": …} or both');
  return ends;
}

function readList(field: string, value: unknown): unknown[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_VALUES)
    throw invalidValue(field, `it must be a list of 1 to ${MAX_VALUES}`);
  return [...new Set(value as unknown[])];
}

function isScalar(value: unknown): value is Scalar {
  return (
    typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
  );
}
