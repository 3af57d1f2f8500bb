import { ExactNumber } from '../common/json.js';
import type { Notification, Placeholder } from './notification.js';

/**
 * `{{name}}` and `{{name|default}}` in the texts of a notification, pure. A name is letters, digits, `_`, `-` and `.`, a
 * default is up to 256 characters without braces, and `\{{` stands for two braces that are no placeholder. What is not
 * of this form is text. Keys, enumerated words and what goes into headers are never filled in.
 */

/** What a delivery's placeholders become, by name. */
export type Values = Readonly<Record<string, string>>;

const NAME = String.raw`[\p{L}_][\p{L}\p{N}_.-]{0,63}`;
/** Every repetition is bounded or cannot match where the next part begins: linear in the text. */
const SPOT = new RegExp(String.raw`\\\{\{|\{\{\s*(${NAME})\s*(?:\|([^{}]{0,256}))?\}\}`, 'gu');
const WHOLE_NAME = new RegExp(`^${NAME}$`, 'u');

/** Members of the settings that are words of an enumeration, or part of a header and equal for all. */
const FIXED = new Set(
  'apnsCollapseId collapseKey tag priority visibility type notification_type ledArgb template duration'.split(' '),
);
const TEMPLATED = ['alert', 'url', 'apns', 'gcm', 'wns', 'chromeWeb', 'firefoxWeb', 'safariWeb'] as const;

type Templated = Pick<Notification, (typeof TEMPLATED)[number]>;

export function isPlaceholderName(name: string): boolean {
  return WHOLE_NAME.test(name);
}

/** The names that the texts need, each once, in order of appearance. */
export function findPlaceholders(notification: Templated): Placeholder[] {
  if (!JSON.stringify(notification).includes('{{')) return [];
  const found = new Map<string, Placeholder>();
  mapTexts(notification, (text) => {
    for (const [, name, preset] of text.matchAll(SPOT)) {
      if (name === undefined) continue;
      const known = found.get(name);
      found.set(name, { name, required: preset === undefined || known?.required === true });
    }
    return text;
  });
  return [...found.values()];
}

/** The notification with its placeholders filled in; one that has neither value nor default becomes empty. */
export function fillNotification<T extends Templated>(notification: T, values: Values): T {
  return mapTexts(notification, (text) => replaceSpots(text, (name, preset) => valueOf(values, name, preset)));
}

/** The first name that must have a value and has none. */
export function missingValue(placeholders: readonly Placeholder[], values: Values): string | undefined {
  return placeholders.find(({ name, required }) => required && !Object.hasOwn(values, name))?.name;
}

/** What becomes of a delivery whose device lacks it. */
export function missingReason(name: string): string {
  return `missing value '${name}'`;
}

export function valueOf(values: Values, name: string, preset: string): string {
  return Object.hasOwn(values, name) ? (values[name] ?? preset) : preset;
}

/** Applies `change` to every text that may have placeholders; what has no text in it stays the same object. */
export function mapTexts<T extends Templated>(notification: T, change: (text: string) => string): T {
  const mapped: Record<string, unknown> = { ...notification };
  for (const name of TEMPLATED) mapped[name] = mapValue(notification[name], change, false);
  return mapped as unknown as T;
}

/** In a payload every text is the caller's, whatever the member's name. */
function mapValue(value: unknown, change: (text: string) => string, inPayload: boolean): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapValue(item, change, inPayload));
  if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      !inPayload && FIXED.has(name) ? member : mapValue(member, change, inPayload || name === 'payload'),
    ]),
  );
}

/** Replaces each spot by what `write` makes of it; `\{{` becomes two braces. */
export function replaceSpots(text: string, write: (name: string, preset: string) => string): string {
  return text.replace(SPOT, (_spot, name: string | undefined, preset: string | undefined) =>
    name === undefined ? '{{' : write(name, preset ?? ''),
  );
}
