import { lightSettings, styleOf } from '../shared/android.js';
import type { GcmSettings, Notification } from '../notification.js';

/** The visible notification in Push Kit's two forms. JSON leaves out undefined members. */

/** Push Kit shows at most this many characters of a title. */
const LONGEST_TITLE = 40;
/** Counts characters as readers see them. */
const CHARACTERS = new Intl.Segmenter();
/** On tap the app opens and reads `data` in its intent. */
const OPEN_APP = 3;
/** `style`: a long text, or lines. */
const BIG_TEXT = 1;
const INBOX = 3;
/** Push Kit shows at most five lines on Android and three on HarmonyOS. */
const MOST_LINES = 5;
const MOST_HARMONY_LINES = 3;

/** `android.notification` of v1 (Huawei: "https-send-api", AndroidNotification). */
export function androidNotification(notification: Notification): Record<string, unknown> {
  const { collapseId, gcm = {} } = notification;
  return {
    click_action: { type: OPEN_APP },
    // The same tag replaces on the screen. The caller's collapse key is not used, as for FCM.
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

/** `payload.notification` of v3, without the tap action and the id of replacement. */
export function harmonyNotification(notification: Notification): Record<string, unknown> {
  const { alert, gcm = {} } = notification;
  const lines = linesOf(gcm);
  return {
    // Other categories need a permission from Huawei; every app may use this one.
    category: 'MARKETING',
    title: titleOf(notification),
    body: alert,
    image: picture(gcm),
    ...(lines && { style: INBOX, inboxContent: lines.slice(0, MOST_HARMONY_LINES) }),
  };
}

/** Push Kit requires a title and the wire does not: without a title, the beginning of the alert is used. */
export function titleOf({ alert, gcm }: Notification): string {
  if (gcm?.androidTitle !== undefined) return gcm.androidTitle;
  const characters = [...CHARACTERS.segment(alert.slice(0, 10 * LONGEST_TITLE))];
  return characters
    .slice(0, LONGEST_TITLE)
    .map(({ segment }) => segment)
    .join('');
}

/** A file in /res/raw of the app: FCM reads its name, Push Kit its path without the extension. */
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
