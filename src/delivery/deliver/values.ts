import type { DeviceAttributes } from '../../database/tables.js';
import type { Placeholder } from '../../providers/notification.js';
import type { Values } from '../../providers/placeholders.js';
import type { ValueSource } from './values.repository.js';

/** Pure: the values of one delivery: first the caller's for the user, then the device's, then the app's. */
export function valuesFor(placeholders: readonly Placeholder[], source: ValueSource): Values {
  const { userId, language, appVersion, attributes, fields } = source;
  const known: DeviceAttributes = {};
  for (const [name, value] of Object.entries({ userId, language, appVersion })) if (value !== null) known[name] = value;
  const values: Record<string, string> = {};
  for (const { name } of placeholders) {
    const value = [fields, known, attributes].find((from) => from && Object.hasOwn(from, name))?.[name];
    if (value !== undefined) values[name] = String(value);
  }
  return values;
}
