import type { Notification } from './notification.js';
import type { Values } from './placeholders.js';
import type { TokenShelf } from './token-shelf.js';

/**
 * The port between delivery and providers. Each provider is a folder with payload, outcome and provider files.
 * `upstream`, a MobileFirst server that messages are relayed to, implements the same port.
 */
export const PROVIDER_NAMES = ['apns', 'fcm', 'web-push', 'wns', 'hms', 'sandbox', 'upstream'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** The data of a device that providers need. */
export interface Recipient {
  token: string;
  /** The platform code of the wire: browsers of one provider have different settings. */
  platform: string;
  /** Epoch ms of the last registration of this token, to compare with the timestamp of APNs' 410. */
  registeredAt: number;
  /** Values for the notification's placeholders, if it has any. */
  values?: Values;
}

/** How long a delivery is retried, in ms after the message was accepted. Absent: until the message expires. */
interface Limits {
  /** Advice of the provider. Afterwards the delivery has failed. */
  giveUpMs?: number;
  /** The caller's time to live for this platform, shorter than the message's. Afterwards the delivery has expired. */
  lifeMs?: number;
}

/**
 * Where the verdict came from if the provider has many servers: an origin of Web Push. Uncertain removals are counted
 * per origin.
 */
interface OfPeer {
  peer?: string;
}

/**
 * The result of one delivery attempt (docs/protocol/providers.md §1). `reason` is short and contains no token and no
 * message text. Providers refresh credentials and repeat unprocessed requests themselves; a verdict is for the ledger
 * and the retry policy.
 */
export type Verdict =
  /** `receipt`: the provider's id of the message, with which an operator can ask the provider. */
  | ({ action: 'accept'; receipt?: string } & OfPeer)
  /** The provider answered success and says that it dropped the message. */
  | ({ action: 'acceptDropped'; reason: string } & OfPeer)
  /**
   * Transient. `floorMs` is the shortest wait that the provider documents; `firstMs` is a shorter wait for the first
   * retry.
   */
  | ({ action: 'retryBackoff'; reason: string; floorMs?: number; capMs?: number; firstMs?: number } & Limits)
  /**
   * Transient, with a wait that the provider answers or documents. `scope` is what has to slow down. `capMs` is present
   * if the answer named no time: the wait then doubles from `afterMs` to `capMs`.
   */
  | ({
      action: 'retryAfter';
      reason: string;
      afterMs: number;
      capMs?: number;
      scope: 'device' | 'application' | 'host';
    } & Limits)
  /** The request was written and no answer came: the device may have received the message. */
  | { action: 'ambiguous'; reason: string; lifeMs?: number }
  /**
   * `certain`: the provider says explicitly that the token is dead. Otherwise other causes look the same, and the guard
   * decides.
   */
  | ({ action: 'dropDevice'; reason: string; certain: boolean } & OfPeer)
  /** Credentials or configuration are wrong: every further send of this application to this provider fails. */
  | { action: 'stopApplication'; reason: string }
  /** This message cannot be sent to this device. */
  | { action: 'fail'; reason: string }
  /** The send was cancelled before the request was written. */
  | { action: 'notSent' }
  /** Nothing was written, because the breaker of the host is open for this time. */
  | { action: 'held'; reason: string; forMs: number };

/** The connections and requests that a sender has open now. */
export interface SenderStats {
  connections: number;
  /** Requests that the peers allow at once, over all connections. */
  streams: number;
  inFlight: number;
}

/** Sends the notifications of one application with one version of its credentials. */
export interface Sender {
  /**
   * Sends one notification to many devices, as many at once as the connections carry, and calls `report` once per
   * recipient index, in any order. Resolves when all are reported; rejects only on an internal fault. If `signal`
   * aborts, requests that were not written are reported as notSent.
   */
  send(
    notification: Notification,
    recipients: readonly Recipient[],
    report: (index: number, verdict: Verdict) => void,
    signal: AbortSignal,
  ): Promise<void>;
  stats(): SenderStats;
  /** Asks the provider whether it accepts the credentials, without a delivery. Absent: there are none. */
  probe?(signal: AbortSignal): Promise<Verdict>;
  /** Finishes requests in flight, then closes the connections. */
  close(): Promise<void>;
}

/** One text for all equal spellings of a token, or the reason why the token cannot be used. */
export type Identified = { identity: string } | { refusal: string };

/** The given settings, split into fields that are returned and fields that are encrypted at rest. */
export interface ProviderSettings {
  visible: Record<string, unknown>;
  secret: Record<string, unknown>;
}

/** Thrown by `parseSettings`: the field, and a reason for the caller. */
export class InvalidSettings extends Error {
  constructor(
    readonly field: string,
    reason: string,
  ) {
    super(reason);
    this.name = 'InvalidSettings';
  }
}

/** The gradual start that a provider asks for: deliveries per second at the beginning and after `overMs` ms. */
export interface Ramp {
  from: number;
  to: number;
  overMs: number;
}

export interface Provider {
  readonly name: ProviderName;
  readonly ramp?: Ramp;
  /** Largest body of the provider, in bytes of UTF-8. */
  readonly maxBytes: number;
  /** Whether its bodies carry a receipt token, which makes them differ between devices. */
  readonly carriesReceiptToken?: true;
  /**
   * Two tokens of one identity are one device. Refuses tokens that the sender would refuse, with a text for the caller
   * that never contains the token.
   */
  identify(token: string): Identified;
  /** Bytes of the largest body that this notification has at this provider. */
  measure(notification: Notification): number;
  /** The bodies that a device of this platform gets, for a preview; `notification` has no placeholders left. */
  render(notification: Notification, platform: string): string[];
  /**
   * Validates the given settings (keys parse, ids have their form); throws InvalidSettings. `current`: the settings
   * that are replaced, from which a provider may keep fields that are not sent again. Null: the provider needs no
   * settings.
   */
  readonly parseSettings:
    | ((input: Record<string, unknown>, current?: ProviderSettings) => ProviderSettings | Promise<ProviderSettings>)
    | null;
  /**
   * Converts settings of an earlier version into the form that `open` reads; returns the same object if nothing
   * changes. Throws InvalidSettings.
   */
  readonly renewSettings?: (settings: ProviderSettings) => Promise<ProviderSettings>;
  /**
   * Throws InvalidSettings if stored settings may not be used any more. `shelf` shares tokens between processes and is
   * the same for every call.
   */
  open(settings: ProviderSettings, shelf: TokenShelf, applicationId: string): Sender;
}
