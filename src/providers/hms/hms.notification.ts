import { lightSettings, styleOf } from '../shared/android.js';
import type { GcmSettings, Notification } from '../notification.js';

/** What Push Kit shows, in its two forms; undefined members vanish in the JSON. */

/** Push Kit shows no more of a title. */
const LONGEST_TITLE = 40;
/** What people take for characters. */
const CHARACTERS = new Intl.Segmenter();
/** Tap: the app opens and finds `data` in its intent. */
const OPEN_APP = 3;
/** `style`: a long text, or lines. */
const BIG_TEXT = 1;
const INBOX = 3;
/** Push Kit shows no more of them: five on Android, three on HarmonyOS. */
const MOST_LINES = 5;
const MOST_HARMONY_LINES = 3;

/** `android.notification` of v1 (Huawei: "https-send-api", AndroidNotification). */
export function androidNotification(notification: Notification): Record<string, unknown> {
  const { collapseId, gcm = {} } = notification;
  return {
    click_action: { type: OPEN_APP },
    // The same tag replaces on the screen. Not the caller's collapse key: as at FCM.
    tag: collapseId,
    group: gcm.groupId,
    channel_id: gcm.channelId,
    visibility: gcm.visibility?.toUpperCase(),
    ...sound(gcm.sound),
    importance: /^(low|min)$/i.test(gcm.priority ?? '') ? 'LOW' : undefined,
    light_settings: lightSettings(gcm.lights),
    image: picture(gcm),
    ...style(notification),
  };
}

/** `payload.notification` of v3, but for what a tap does and what it replaces. */
export function harmonyNotification(notification: Notification): Record<string, unknown> {
  const { alert, gcm = {} } = notification;
  const lines = linesOf(gcm);
  return {
    // A category of its own needs a permission from Huawei; whoever has none may send this one.
    category: 'MARKETING',
    title: titleOf(notification),
    body: alert,
    image: picture(gcm),
    ...(lines && { style: INBOX, inboxContent: lines.slice(0, MOST_HARMONY_LINES) }),
  };
}

/** Push Kit refuses a notification without a title, which the wire does not ask for: then the alert begins there. */
export function titleOf({ alert, gcm }: Notification): string {
  if (gcm?.androidTitle !== undefined) return gcm.androidTitle;
  const characters = [...CHARACTERS.segment(alert.slice(0, 10 * LONGEST_TITLE))];
  return characters
    .slice(0, LONGEST_TITLE)
    .map(({ segment }) => segment)
    .join('');
}

/** A file of the app's /res/raw: FCM takes its name as it is, Push Kit its path without the ending. */
function sound(name: string | undefined): Record<string, unknown> {
  if (name === undefined || name === '') return {};
  return name === 'default' ? { default_sound: true } : { sound: `/raw/${name.replace(/\.\w+$/, '')}` };
}

/** Push Kit refuses any other scheme. */
function picture(gcm: GcmSettings): string | undefined {
  const url = styleOf('picture', gcm)?.url;
  return url?.startsWith('https://') ? url : undefined;
}

function style(notification: Notification): Record<string, unknown> {
  const gcm = notification.gcm ?? {};
  const lines = linesOf(gcm);
  if (lines) return { style: INBOX, inbox_content: lines.slice(0, MOST_LINES) };
  const bigText = styleOf('bigtext', gcm);
  if (!bigText?.text) return {};
  return { style: BIG_TEXT, big_title: bigText.title || titleOf(notification), big_body: bigText.text };
}

function linesOf(gcm: GcmSettings): string[] | undefined {
  const lines = styleOf('inbox', gcm)?.lines;
  return lines?.length ? lines : undefined;
}
