/** A message as all providers get it: built once per message, with the caller's settings per platform. */
export interface Notification {
  messageId: string;
  /** At most 64 bytes. A later message with the same id replaces the first on the screen. */
  collapseId: string;
  /** For a resend: the collapse id is the id of an earlier message, not the caller's. */
  collapseInherited?: true;
  alert: string;
  url?: string;
  /** Epoch milliseconds; the message is not delivered after this. */
  expiresAt: number;
  /** Now or never: no provider stores the message for an offline device. */
  nowOrNever?: boolean;
  /** The caller's priority for all platforms. A platform's own priority takes precedence. */
  priority?: 'high' | 'normal';
  /** Names to fill in per delivery; absent if there are none. */
  placeholders?: Placeholder[];
  /** For an urgent message: its requests are sent before others that wait for a stream. */
  urgent?: boolean;
  /** Room for the delivery's receipt token, with which the app tells what became of it; absent: there is none. */
  receiptToken?: string;
  apns?: ApnsSettings;
  gcm?: GcmSettings;
  wns?: WnsSettings;
  chromeWeb?: WebSettings;
  firefoxWeb?: WebSettings;
  safariWeb?: SafariWebSettings;
  /** The caller's request (MobileFirst's `POST messages`), which is sent to the upstream instead of this message. */
  relay?: Record<string, unknown>;
}

/** A `{{name}}` in the texts of a notification. */
export interface Placeholder {
  name: string;
  /** True if the name has no default in at least one place. */
  required: boolean;
}

/** `settings.wns`: an XML notification described as JSON (MobileFirst 8.0), stored unchanged; wns/ builds the XML. */
export interface WnsSettings {
  badge?: { value?: string | number; version?: string | number };
  /** True: WNS stores the notification for an offline device. */
  cachePolicy?: boolean;
  /** Seconds. */
  expirationTime?: number;
  raw?: { payload?: unknown };
  tile?: Record<string, unknown>;
  toast?: Record<string, unknown>;
}

/** `settings.chromeWeb` and `settings.firefoxWeb`. */
export interface WebSettings {
  title?: string;
  iconUrl?: string;
  /** Seconds. */
  timeToLive?: number;
  payload?: unknown;
}

/** `settings.safariWeb`. */
export interface SafariWebSettings {
  title?: string;
  body?: string;
  urlArgs?: string[];
  action?: string;
}

/** `settings.apns` of the wire (MobileFirst 8.0 push REST API). */
export interface ApnsSettings {
  badge?: number;
  sound?: string;
  iosActionKey?: string;
  payload?: Record<string, unknown>;
  /** SILENT drops alert, sound and badge; MIXED keeps them and adds content-available. */
  type?: 'DEFAULT' | 'MIXED' | 'SILENT';
  interactiveCategory?: string;
  /** Older name of interactiveCategory. */
  category?: string;
  title?: string;
  subtitle?: string;
  attachmentUrl?: string;
  titleLocKey?: string;
  titleLocArgs?: string[];
  locKey?: string;
  locArgs?: string[];
  launchImage?: string;
  apnsCollapseId?: string;
  apnsThreadId?: string;
  apnsGroupSummaryArg?: string;
  apnsGroupSummaryArgCount?: number;
}

/** `settings.gcm` of the wire. The key kept its name when delivery moved to FCM. */
export interface GcmSettings {
  collapseKey?: string;
  /** FCM v1 ignores this field; old callers send it. */
  delayWhileIdle?: boolean;
  payload?: Record<string, unknown>;
  /** Seconds, 0 to 2,419,200. */
  timeToLive?: number;
  sound?: string;
  /** max, high, default, low, min; any case. */
  priority?: string;
  /** True: an idle phone need not wake (normal priority, collapsible). */
  sync?: boolean;
  /** public, private, secret; any case. */
  visibility?: string;
  redact?: string;
  /** False: the notification stays on this device and is not bridged to wearables. */
  bridge?: boolean;
  category?: string;
  interactiveCategory?: string;
  lights?: { ledArgb?: string; ledOnMs?: number | string; ledOffMs?: number | string };
  style?: { notification_type?: string; type?: string; title?: string; url?: string; text?: string; lines?: string[] };
  type?: 'DEFAULT' | 'SILENT';
  icon?: string;
  androidTitle?: string;
  groupId?: string;
  channelId?: string;
}
