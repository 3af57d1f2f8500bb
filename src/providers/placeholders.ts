import { ExactNumber } from '../common/json.js';
import type { Notification, Placeholder } from './notification.js';

/**
 * `{{name}}` and `{{name|default}}` in the texts of a notification, pure. A name consists of letters, digits, `_`, `-`
 * and `.`; a default has up to 256 characters without braces; `\{{` stands for two literal braces. Everything else is
 * text. Keys, enumerated words and header values are never filled in.
 */

/** The values of a delivery's placeholders, by name. */
export type Values = Readonly<Record<string, string>>;

/** The name of the receipt token among the values of a delivery; a caller's name has no space. */
export const RECEIPT_TOKEN = 'receipt token';

const NAME = String.raw`[\p{L}_][\p{L}\p{N}_.-]{0,63}`;
/** Every repetition is bounded or cannot match the beginning of the next part, so the time is linear in the text. */
const SPOT = new RegExp(String.raw`\\\{\{|\{\{\s*(${NAME})\s*(?:\|([^{}]{0,256}))?\}\}`, 'gu');
const WHOLE_NAME = new RegExp(`^${NAME}$`, 'u');

/** Settings that are enumerated words, or part of a header that is equal for all devices. */
const FIXED = new Set(
  'apnsCollapseId collapseKey tag priority visibility type notification_type ledArgb template duration'.split(' '),
);
const TEMPLATED = ['alert', 'url', 'apns', 'gcm', 'wns', 'chromeWeb', 'firefoxWeb', 'safariWeb'] as const;

type Templated = Pick<Notification, (typeof TEMPLATED)[number]>;

export function isPlaceholderName(name: string): boolean {
  return WHOLE_NAME.test(name);
}

/** The names of the placeholders, each once, in order of appearance. */
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

/** Fills in the placeholders. A placeholder without value and default becomes empty. */
export function fillNotification<T extends Templated>(notification: T, values: Values): T {
  return mapTexts(notification, (text) => replaceSpots(text, (name, preset) => valueOf(values, name, preset)));
}

/** The first required name without a value. */
export function missingValue(placeholders: readonly Placeholder[], values: Values): string | undefined {
  return placeholders.find(({ name, required }) => required && !Object.hasOwn(values, name))?.name;
}

/** The reason of a delivery whose device has no value for the name. */
export function missingReason(name: string): string {
  return `missing value '${name}'`;
}

/** The name in a reason of missingReason; undefined in every other reason. */
export function missingName(reason: string): string | undefined {
  return /^missing value '(.*)'$/s.exec(reason)?.[1];
}

export function valueOf(values: Values, name: string, preset: string): string {
  return Object.hasOwn(values, name) ? (values[name] ?? preset) : preset;
}

/** Applies `change` to every text that may have placeholders. Objects without such texts are returned as they are. */
export function mapTexts<T extends Templated>(notification: T, change: (text: string) => string): T {
  const mapped: Record<string, unknown> = { ...notification };
  for (const name of TEMPLATED) mapped[name] = mapValue(notification[name], change, false);
  return mapped as unknown as T;
}

/** All texts within a payload belong to the caller, whatever the member's name is. */
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

/** Replaces each placeholder by the result of `write`; `\{{` becomes two braces. */
export function replaceSpots(text: string, write: (name: string, preset: string) => string): string {
  return text.replace(SPOT, (_spot, name: string | undefined, preset: string | undefined) =>
    name === undefined ? '{{' : write(name, preset ?? ''),
  );
}
