import { HOUR_MS } from '../../common/durations.js';
import type { GcmSettings, Notification } from '../notification.js';

/** The parts of `settings.gcm` that FCM and Push Kit map alike, because one Android app reads both. Pure. */

/** The names that Android's Color.parseColor knows, as RRGGBB. */
const COLOURS: Record<string, string> = {
  black: '000000',
  darkgray: '444444',
  darkgrey: '444444',
  gray: '888888',
  grey: '888888',
  lightgray: 'cccccc',
  lightgrey: 'cccccc',
  white: 'ffffff',
  red: 'ff0000',
  green: '00ff00',
  lime: '00ff00',
  blue: '0000ff',
  yellow: 'ffff00',
  cyan: '00ffff',
  aqua: '00ffff',
  magenta: 'ff00ff',
  fuchsia: 'ff00ff',
  maroon: '800000',
  navy: '000080',
  olive: '808000',
  purple: '800080',
  silver: 'c0c0c0',
  teal: '008080',
};

/** Default time that a light is on, or off. */
const BLINK_MS = 1_000;

/**
 * The data that MobileFirst's Android apps read. JSON leaves out undefined members. The names are fixed; the caller's
 * members are inside `payload`, so that they cannot replace ours or the provider's.
 */
export function appData({ messageId, alert, url, gcm = {} }: Notification): Record<string, unknown> {
  const { style } = gcm;
  return {
    nid: messageId,
    alert,
    url,
    payload: { ...gcm.payload, nid: messageId },
    type: gcm.type,
    // The provider's notification has no equal fields for these, so the app shows them.
    priority: gcm.priority?.toLowerCase(),
    redact: gcm.redact,
    category: gcm.category,
    interactiveCategory: gcm.interactiveCategory,
    groupId: gcm.groupId,
    bridge: gcm.bridge,
    sync: gcm.sync,
    lights: gcm.lights,
    style: style && { ...style, type: styleType(style), notification_type: undefined },
  };
}

/**
 * FCM's defaults: a visible message wakes an idle phone, a silent one does not, and `sync` prevents waking. Of the five
 * priorities of the wire, max and high wake the phone.
 */
export function isUrgent({ gcm = {}, priority }: Notification): boolean {
  if (gcm.sync === true) return false;
  const word = gcm.priority ?? priority;
  if (word === undefined) return gcm.type !== 'SILENT';
  return /^(max|high)$/i.test(word);
}

/** Both providers require all three members, the colour as parts from 0 to 1. Without a colour, nothing is sent. */
export function lightSettings(lights: GcmSettings['lights']): Record<string, unknown> | undefined {
  const color = parseColour(lights?.ledArgb);
  if (color === undefined) return undefined;
  return { color, light_on_duration: duration(lights?.ledOnMs), light_off_duration: duration(lights?.ledOffMs) };
}

/** A colour name, `#RRGGBB` or `#AARRGGBB`. */
function parseColour(text: string | undefined): Record<'red' | 'green' | 'blue' | 'alpha', number> | undefined {
  if (text === undefined) return undefined;
  const word = text.toLowerCase();
  const hex = Object.hasOwn(COLOURS, word) ? COLOURS[word] : /^#((?:[\da-f]{2})?[\da-f]{6})$/.exec(word)?.[1];
  if (hex === undefined) return undefined;
  const [alpha, red, green, blue] = hex
    .padStart(8, 'f')
    .match(/../g)!
    .map((part) => Number.parseInt(part, 16) / 255) as [number, number, number, number];
  return { red, green, blue, alpha };
}

/** Milliseconds, as number or text, as protobuf's duration text. */
function duration(ms: number | string | undefined): string {
  const value = ms === undefined || ms === '' ? Number.NaN : Number(ms);
  return `${(value >= 0 && value <= HOUR_MS ? value : BLINK_MS) / 1_000}s`;
}

/** The style's type under either of its names. */
function styleType(style: GcmSettings['style']): string | undefined {
  return style?.type ?? style?.notification_type;
}

/** The style, if it has this type. */
export function styleOf(
  kind: 'picture' | 'bigtext' | 'inbox',
  { style }: GcmSettings,
): NonNullable<GcmSettings['style']> | undefined {
  return styleType(style)?.toLowerCase() === `${kind}_notification` ? style : undefined;
}
