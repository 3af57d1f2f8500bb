import type { GcmSettings, Notification } from '../notification.js';

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

const PRIORITIES = new Set(['max', 'high', 'default', 'low', 'min']);
const VISIBILITIES = new Set(['public', 'private', 'secret']);
/** How long a light is on, or off, when the caller did not say. */
const BLINK_MS = 1_000;

/**
 * `android.notification` of a visible message (FCM's schema: AndroidNotification); undefined members vanish in the
 * JSON. A word that FCM's enumerations do not have is left out, for it would refuse the whole message.
 */
export function androidNotification({ alert, collapseId, gcm = {} }: Notification): Record<string, unknown> {
  return {
    title: gcm.androidTitle,
    body: alert,
    icon: gcm.icon,
    sound: gcm.sound,
    // Replaces on the screen. Not the caller's collapse key: that one thins out what waits for a phone that is off.
    tag: collapseId,
    channel_id: gcm.channelId,
    local_only: gcm.bridge === false ? true : undefined,
    notification_priority: enumWord('PRIORITY_', gcm.priority, PRIORITIES),
    visibility: enumWord('', gcm.visibility, VISIBILITIES),
    light_settings: lightSettings(gcm.lights),
    image: picture(gcm.style),
  };
}

function enumWord(prefix: string, word: string | undefined, known: ReadonlySet<string>): string | undefined {
  const lower = word?.toLowerCase();
  return lower !== undefined && known.has(lower) ? prefix + lower.toUpperCase() : undefined;
}

/** FCM wants all three members, the colour as parts of 0 to 1: without a colour there is nothing to send. */
function lightSettings(lights: GcmSettings['lights']): Record<string, unknown> | undefined {
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

/** Milliseconds, as number or text, to protobuf's duration text. */
function duration(ms: number | string | undefined): string {
  const value = ms === undefined || ms === '' ? Number.NaN : Number(ms);
  return `${(value >= 0 && value <= 3_600_000 ? value : BLINK_MS) / 1_000}s`;
}

function picture(style: GcmSettings['style']): string | undefined {
  const type = style?.type ?? style?.notification_type;
  return type?.toLowerCase() === 'picture_notification' ? style?.url : undefined;
}
