import { lightSettings, styleOf } from '../shared/android.js';
import type { Notification } from '../notification.js';

const PRIORITIES = new Set(['max', 'high', 'default', 'low', 'min']);
const VISIBILITIES = new Set(['public', 'private', 'secret']);

/**
 * `android.notification` of a visible message (FCM's schema: AndroidNotification). JSON leaves out undefined members. A
 * word that FCM's enumerations do not have is left out, because FCM would refuse the whole message.
 */
export function androidNotification({ alert, collapseId, gcm = {} }: Notification): Record<string, unknown> {
  return {
    title: gcm.androidTitle,
    body: alert,
    icon: gcm.icon,
    sound: gcm.sound,
    // Replaces the notification on the screen. The caller's collapse key is not used: it thins out messages that wait
    // for an offline phone.
    tag: collapseId,
    channel_id: gcm.channelId,
    local_only: gcm.bridge === false ? true : undefined,
    notification_priority: enumWord('PRIORITY_', gcm.priority, PRIORITIES),
    visibility: enumWord('', gcm.visibility, VISIBILITIES),
    light_settings: lightSettings(gcm.lights),
    image: styleOf('picture', gcm)?.url,
  };
}

function enumWord(prefix: string, word: string | undefined, known: ReadonlySet<string>): string | undefined {
  const lower = word?.toLowerCase();
  return lower !== undefined && known.has(lower) ? prefix + lower.toUpperCase() : undefined;
}
