import type { Notification } from './notification.js';
import type { Values } from './placeholders.js';
import type { TokenShelf } from './token-shelf.js';

/**
 * The port: what delivery knows of a provider. Each provider is a folder with payload, outcome and provider files;
 * `upstream`, the MobileFirst server that messages are relayed to, stands outside as `src/upstream/`.
 */
export const PROVIDER_NAMES = ['apns', 'fcm', 'web-push', 'wns', 'hms', 'sandbox', 'upstream'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** A device as a provider needs it. */
export interface Recipient {
  token: string;
  /** The wire's platform code: browsers of one provider have settings of their own. */
  platform: string;
  /** Epoch ms of the last registration of this token: APNs' 410 speaks of tokens older than its timestamp. */
  registeredAt: number;
  /** For the notification's placeholders; there when it has any. */
  values?: Values;
}

/** How long something that may be tried again is tried, in ms after the message was accepted; absent: to its end. */
interface Limits {
  /** The provider's own advice: it has failed then. */
  giveUpMs?: number;
  /** The caller's time to live for this platform, shorter than the message's: it has expired then. */
  lifeMs?: number;
}

/** Who gave a verdict, where a provider is many: an origin of Web Push. What it says of devices holds for its own alone. */
interface OfPeer {
  peer?: string;
}

/**
 * What a provider's answer asks of us (docs/protocol/providers.md §1). `reason` is the provider's own word,
 * short, without token or text. Refreshing credentials and replaying what was surely not processed happen inside the
 * provider; what reaches this type is for the ledger and the retry policy.
 */
export type Verdict =
  /** `receipt`: the id that the provider knows it by, where a person may ask for it there. */
  | ({ action: 'accept'; receipt?: string } & OfPeer)
  /** The provider answered success and says it threw the message away. */
  | ({ action: 'acceptDropped'; reason: string } & OfPeer)
  /** Transient. `floorMs` is the provider's documented shortest wait, `firstMs` a shorter one for the first retry alone. */
  | ({ action: 'retryBackoff'; reason: string; floorMs?: number; capMs?: number; firstMs?: number } & Limits)
  /**
   * Transient; the provider says how long (or documents it). `scope` is what must slow down. `capMs` is there when the
   * provider named no time in its answer: the wait then doubles from `afterMs` to this.
   */
  | ({
      action: 'retryAfter';
      reason: string;
      afterMs: number;
      capMs?: number;
      scope: 'device' | 'application' | 'host';
    } & Limits)
  /** Written, no answer: the device may have got it. */
  | { action: 'ambiguous'; reason: string; lifeMs?: number }
  /** `certain`: the provider says in its own form that the token died. Otherwise other causes look the same: guarded. */
  | ({ action: 'dropDevice'; reason: string; certain: boolean } & OfPeer)
  /** Credential or configuration is wrong: every further send of this application at this provider fails. */
  | { action: 'stopApplication'; reason: string }
  /** This message cannot be sent to this device as it is. */
  | { action: 'fail'; reason: string }
  /** The sending was called off before anything was written. */
  | { action: 'notSent' }
  /** Not written: its host is left alone for so long. */
  | { action: 'held'; reason: string; forMs: number };

/** What a sender has open at this moment. */
export interface SenderStats {
  connections: number;
  /** Requests that the peers allow at once, over all connections. */
  streams: number;
  inFlight: number;
}

/** Sends the notifications of one application with one version of its credentials. */
export interface Sender {
  /**
   * Sends one notification to many devices, as many at once as the provider's connections carry, and calls `report`
   * once for each recipient index, in any order. Resolves when all are reported; rejects only on a fault of ours.
   * When `signal` aborts, what has not been written is reported as notSent.
   */
  send(
    notification: Notification,
    recipients: readonly Recipient[],
    report: (index: number, verdict: Verdict) => void,
    signal: AbortSignal,
  ): Promise<void>;
  stats(): SenderStats;
  /** Lets requests in flight finish, then closes the connections. */
  close(): Promise<void>;
}

/** What a token means to its provider, one text for all its spellings; or why nothing can be sent to it. */
export type Identified = { identity: string } | { refusal: string };

/** Settings as a person gives them, split into what may be read back and what is encrypted at rest. */
export interface ProviderSettings {
  visible: Record<string, unknown>;
  secret: Record<string, unknown>;
}

/** Thrown by `parseSettings`: the field and why, in words for the person who sent it. */
export class InvalidSettings extends Error {
  constructor(
    readonly field: string,
    reason: string,
  ) {
    super(reason);
    this.name = 'InvalidSettings';
  }
}

/** The gradual start that a provider asks for: deliveries a second, from the first to the last within so many ms. */
export interface Ramp {
  from: number;
  to: number;
  overMs: number;
}

export interface Provider {
  readonly name: ProviderName;
  readonly ramp?: Ramp;
  /** Largest body the provider takes, in bytes of UTF-8. */
  readonly maxBytes: number;
  /**
   * Two tokens of one identity are one device. Refuses what its senders would: the words are for the person who registers
   * the device, and never quote the token.
   */
  identify(token: string): Identified;
  /** Bytes of the largest body that this notification becomes at this provider. */
  measure(notification: Notification): number;
  /**
   * Validates what a person sent (keys parse, ids have their form); throws InvalidSettings. `current` are the settings
   * that it replaces, where a provider may keep what is not sent again. Null: needs no settings.
   */
  readonly parseSettings:
    | ((input: Record<string, unknown>, current?: ProviderSettings) => ProviderSettings | Promise<ProviderSettings>)
    | null;
  /** What an earlier version kept, as `open` takes it; the same object when it is so already. Throws InvalidSettings. */
  readonly renewSettings?: (settings: ProviderSettings) => Promise<ProviderSettings>;
  /** Throws InvalidSettings for what was kept and may not be used any more. `shelf` is where tokens are shared between processes, the same for every call. */
  open(settings: ProviderSettings, shelf: TokenShelf, applicationId: string): Sender;
}
