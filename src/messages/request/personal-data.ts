import { invalidValue, printable } from '../../common/errors.js';
import { ExactNumber, isJsonObject } from '../../common/json.js';
import type { Target } from '../../database/tables.js';
import { isPlaceholderName } from '../../providers/placeholders.js';
import type { Values } from '../../providers/placeholders.js';
import type { Placeholder } from '../../providers/notification.js';

/** Reads the extension `data`: values of placeholders for each user of `target.userIds`, pure. */

const MAX_USERS = 10_000;
const MAX_FIELDS = 100;
const MAX_VALUE = 4_096;
const MAX_BYTES = 1_048_576;
/** The device's user id; every recipient of a message to user ids has one. */
const ALWAYS_KNOWN = 'userId';

export type PersonalData = ReadonlyMap<string, Values>;

/** Returns null without data. Throws FPWSE0005E that names user and field. */
export function readPersonalData(data: unknown, target: Target): PersonalData | null {
  if (data === undefined || data === null) return null;
  if (!target.userIds) throw invalidValue('data', 'it needs target.userIds, which is not set');
  const users = membersOf('data', data, 'an object with an object for each user');
  if (users.length > MAX_USERS) throw invalidValue('data', `it must have at most ${MAX_USERS} users`);
  const targeted = new Set(target.userIds);
  const read = new Map<string, Values>();
  let bytes = 0;
  for (const [userId, fields] of users) {
    const field = `data.${printable(userId)}`;
    if (!targeted.has(userId)) throw invalidValue(field, 'the user is not in target.userIds');
    const values = membersOf(field, fields, 'an object of texts, numbers and booleans');
    if (values.length > MAX_FIELDS) throw invalidValue(field, `it must have at most ${MAX_FIELDS} fields`);
    const texts: Record<string, string> = {};
    for (const [name, value] of values) {
      const text = readText(`${field}.${printable(name)}`, name, value);
      texts[name] = text;
      bytes += name.length + Buffer.byteLength(text);
    }
    if (bytes > MAX_BYTES) throw invalidValue('data', `it must be at most ${MAX_BYTES} bytes`);
    read.set(userId, texts);
  }
  return read;
}

/**
 * If data is given, each user of the target must have a value for each placeholder without a default. Values from
 * devices may replace a default, but are unknown until the message is sent. Throws FPWSE0005E that names user and
 * placeholder.
 */
export function checkComplete(data: PersonalData | null, target: Target, placeholders: readonly Placeholder[]): void {
  if (!data) return;
  const required = placeholders.filter(({ name, required }) => required && name !== ALWAYS_KNOWN);
  if (required.length === 0) return;
  for (const userId of target.userIds ?? []) {
    const values = data.get(userId) ?? {};
    const missing = required.find(({ name }) => !Object.hasOwn(values, name));
    if (missing)
      throw invalidValue(
        `data.${printable(userId)}`,
        `there is no value for '{{${missing.name}}}', which has no default`,
      );
  }
}

/** For each name the value with the most bytes in JSON, to check the size of the message with. */
export function longestValues(data: PersonalData | null): Values {
  const longest: Record<string, string> = {};
  for (const values of data?.values() ?? [])
    for (const [name, value] of Object.entries(values))
      if (!Object.hasOwn(longest, name) || weightOf(value) > weightOf(longest[name] ?? '')) longest[name] = value;
  return longest;
}

function weightOf(value: string): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function readText(field: string, name: string, value: unknown): string {
  if (!isPlaceholderName(name) || name === '__proto__')
    throw invalidValue(field, 'its name cannot be the name of a placeholder');
  if (typeof value === 'number' || typeof value === 'boolean' || value instanceof ExactNumber) return String(value);
  if (typeof value !== 'string') throw invalidValue(field, 'it must be a string, a number or a boolean');
  if (value.length > MAX_VALUE) throw invalidValue(field, `it must be at most ${MAX_VALUE} characters`);
  if (value.includes('\0') || !value.isWellFormed())
    throw invalidValue(field, 'it must not contain a NUL character or half a surrogate pair');
  return value;
}

function membersOf(field: string, value: unknown, what: string): [string, unknown][] {
  if (!isJsonObject(value)) throw invalidValue(field, `it must be ${what}`);
  return Object.entries(value);
}
