/** A message as every provider sees it: neutral, built once per message, with the caller's per-platform settings. */
export interface Notification {
  messageId: string;
  /** At most 64 bytes; a repeat with the same id replaces the first on the screen. */
  collapseId: string;
  /** Of a resend: the collapse id is an earlier message's own id, and not the caller's word. */
  collapseInherited?: true;
  alert: string;
  url?: string;
  /** Epoch milliseconds after which nobody wants it any more. */
  expiresAt: number;
  /** Now or never: no provider keeps it for a device that is away. */
  nowOrNever?: boolean;
  /** What the caller says for all platforms; a platform's own word goes before it. */
  priority?: 'high' | 'normal';
  /** Names to be filled in for each delivery; absent when there are none. */
  placeholders?: Placeholder[];
  /** Of a direct message: its requests go before others that wait for a stream. */
  urgent?: boolean;
  apns?: ApnsSettings;
  gcm?: GcmSettings;
  wns?: WnsSettings;
  chromeWeb?: WebSettings;
  firefoxWeb?: WebSettings;
  safariWeb?: SafariWebSettings;
  /** What the upstream is sent in the message's place: the caller's own request (MobileFirst's `POST messages`). */
  relay?: Record<string, unknown>;
}

/** A `{{name}}` in the texts of a notification. */
export interface Placeholder {
  name: string;
  /** It stands somewhere without a default. */
  required: boolean;
}

/** `settings.wns`: an XML notification described as JSON (MobileFirst 8.0), kept as it came; wns/ builds the XML. */
export interface WnsSettings {
  badge?: { value?: string | number; version?: string | number };
  /** True: the service keeps it for a device that is offline. */
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

/** `settings.gcm` of the wire; the key kept its name when delivery moved to FCM. */
export interface GcmSettings {
  collapseKey?: string;
  /** Ignored by FCM v1; old callers send it. */
  delayWhileIdle?: boolean;
  payload?: Record<string, unknown>;
  /** Seconds, 0 to 2,419,200. */
  timeToLive?: number;
  sound?: string;
  /** max, high, default, low, min; any case. */
  priority?: string;
  /** True: the phone may hold it back while idle (sent as normal priority and collapsible). */
  sync?: boolean;
  /** public, private, secret; any case. */
  visibility?: string;
  redact?: string;
  /** False keeps the notification on this device instead of bridging it to wearables. */
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
