import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type {
  AuditEventTable,
  AuthChangeTable,
  ClientSecretTable,
  ClientTable,
  RevokedTokenTable,
  SigningKeyTable,
} from './auth-tables.js';
import type {
  CampaignMessageTable,
  CampaignRunTable,
  CampaignTable,
  CampaignWaveTable,
  MessageRateTable,
  ReachTable,
} from './campaign-tables.js';
import type { CreatedAt, Json } from './columns.js';
import type { Notification } from '../providers/notification.js';
import type { ProviderName } from '../providers/provider.js';

/** The tables, as Kysely sees them. Their SQL, with the reasons for its shape, is in migrations/. */
export interface Tables {
  client: ClientTable;
  client_secret: ClientSecretTable;
  signing_key: SigningKeyTable;
  revoked_token: RevokedTokenTable;
  auth_change: AuthChangeTable;
  audit_event: AuditEventTable;
  application: ApplicationTable;
  provider_setting: ProviderSettingTable;
  provider_status: ProviderStatusTable;
  shared_token: SharedTokenTable;
  device: DeviceTable;
  tag: TagTable;
  subscription: SubscriptionTable;
  tally: TallyTable;
  message: MessageTable;
  message_data: MessageDataTable;
  batch: BatchTable;
  pace: PaceTable;
  campaign: CampaignTable;
  campaign_run: CampaignRunTable;
  campaign_wave: CampaignWaveTable;
  campaign_message: CampaignMessageTable;
  message_rate: MessageRateTable;
  reach: ReachTable;
  webhook: WebhookTable;
  user_removal: UserRemovalTable;
}

interface ApplicationTable {
  id: string;
  enabled: Generated<boolean>;
  strict: Generated<boolean>;
  created_at: CreatedAt;
  /** Since when it is gone for every caller, while its rows go in steps. */
  removed_at: ColumnType<Date | null, never, Date>;
  /** Since when, by a client's word, nothing of it is written. */
  stopped_at: ColumnType<Date | null, never, Date | null>;
  stopped_by: ColumnType<string | null, never, string | null>;
}

/** `gcm` is MobileFirst's key of the API that Google has switched off: kept to be read, never opened. */
export type SettingName = ProviderName | 'gcm';

interface ProviderSettingTable {
  application_id: string;
  provider: SettingName;
  version: number;
  visible: Json<Record<string, unknown>>;
  secret: Buffer;
  paused_reason: string | null;
  paused_by: string | null;
  paused_at: Date | null;
  /** Of a pause: when one delivery is tried. */
  next_try_at: Date | null;
  /** Of a pause: so far. */
  tries: Generated<number>;
  updated_at: Date;
}

/** What one worker process has open at a provider for an application. */
export interface ProcessStatus {
  connections: number;
  /** Requests that the peers allow at once, over all connections. */
  streams: number;
  inFlight: number;
  /** Deliveries a second since the report before. */
  rate: number;
  /** Epoch ms. */
  reportedAt: number;
}

interface ProviderStatusTable {
  application_id: string;
  provider: ProviderName;
  last_success_at: Date | null;
  last_error_at: Date | null;
  last_error: string | null;
  processes: Json<Record<string, ProcessStatus>>;
}

interface SharedTokenTable {
  name: string;
  token: Buffer;
  minted_at: Date;
  expires_at: Date;
}

/** What an app says of its user: flat. */
export type DeviceAttributes = Record<string, string | number | boolean>;

export interface DeviceTable {
  seq: GeneratedAlways<number>;
  application_id: string;
  device_id: string;
  platform: string;
  provider: ProviderName;
  token: string;
  /** SHA-256 of what the token means (devices/device-token.ts): unique in an application at a provider. */
  token_hash: Buffer;
  user_id: string | null;
  phone_number: string | null;
  user_agent: string | null;
  /** BCP 47. */
  language: string | null;
  /** IANA name. */
  time_zone: string | null;
  app_version: string | null;
  attributes: ColumnType<DeviceAttributes, string | undefined, string>;
  broadcast: Generated<boolean>;
  retired_reason: string | null;
  retired_at: Date | null;
  /** `YYYY-MM-DD`, UTC: the last day on which the app gave a sign of life. */
  seen_on: ColumnType<never, string | undefined, string>;
  registered_at: Date;
  created_at: CreatedAt;
  updated_at: Date;
}

interface TagTable {
  application_id: string;
  name: string;
  description: string;
  created_at: CreatedAt;
  updated_at: Date;
}

interface SubscriptionTable {
  id: GeneratedAlways<number>;
  application_id: string;
  tag_name: string;
  device_seq: number;
  created_at: CreatedAt;
}

/** Written by triggers: how many there are of a kind by name (platform or tag) is the sum of the amounts. */
interface TallyTable {
  id: GeneratedAlways<number>;
  application_id: string;
  kind: 'device' | 'broadcast' | 'subscription';
  name: string;
  amount: number;
}

/** Whom a message is for: at most one of the three lists; `platforms` narrows any of them, or all devices. */
export interface Target {
  deviceIds?: string[];
  userIds?: string[];
  tagNames?: string[];
  platforms?: string[];
  /** All of them must be true of the device. */
  where?: DeviceCondition[];
}

/** What a campaign asks of a device beside the lists. */
export type DeviceCondition =
  /** BCP 47 in lower case: `de` is also `de-at`. Without `of`: anything, or nothing, but `except`. */
  | { kind: 'language'; of?: string[]; except?: string[] }
  /** `orNone`: also devices without a zone. */
  | { kind: 'timeZone'; of: string[]; orNone: boolean }
  /** Numbers with dots, both ends included. */
  | { kind: 'appVersion'; min?: string; max?: string }
  | { kind: 'attribute'; name: string; in: DeviceAttributes[string][] }
  | { kind: 'attributeRange'; name: string; min?: number; max?: number }
  /** Ten-thousandths of the users, `from` included and `to` not; the same users for the same salt, for ever. */
  | { kind: 'share'; salt: string; from: number; to: number };

/**
 * `paused` is never stored: it is what `paused_at`, or a pause at all of its providers, makes of the others. `removed`
 * is never shown: its batches go in steps, and then its row.
 */
export type MessageState =
  'scheduled' | 'accepted' | 'expanding' | 'sending' | 'paused' | 'finished' | 'cancelled' | 'expired' | 'removed';

interface MessageTable {
  seq: GeneratedAlways<number>;
  application_id: string;
  id: string;
  client_id: string;
  body: Json<Record<string, unknown>>;
  notification: Json<Omit<Notification, 'messageId' | 'expiresAt'>>;
  target: Json<Target>;
  state: MessageState;
  direct: boolean;
  /** Null: the caller did not say. */
  on_unknown: 'resend' | 'hold' | null;
  idempotency_key: string | null;
  request_hash: Buffer | null;
  accepted_at: Date;
  expires_at: Date;
  finished_at: Date | null;
  audience: number;
  open_batches: number;
  expand_cursor: number;
  expand_max: number | null;
  /** Since when nothing new of it is written. */
  paused_at: ColumnType<Date | null, never, Date | null>;
  /** The message whose deliveries of `resend_outcomes` (codes) are its audience. */
  resend_of: string | null;
  resend_outcomes: ColumnType<number[] | null, string | null, never>;
  /** The rate that it is held to. */
  rate_seq: ColumnType<number | null, number | null | undefined, never>;
  expand_at: ColumnType<Date | null, never, Date | null>;
  /** When expand_at was written. */
  waits_since: ColumnType<Date | null, never, Date | null>;
  quiet: ColumnType<QuietTime[] | null, string | null | undefined, never>;
  reach_key: ColumnType<number | null, number | null | undefined, never>;
  reach_cap: ColumnType<number | null, number | null | undefined, never>;
  /** Devices passed over because their person had been reached often enough. */
  capped: Generated<number>;
  /** When it leaves, or left; null: at once. */
  send_at: Date | null;
  label: string | null;
  bulk_of: string | null;
  /** Deliveries per outcome, position = code; null until it ends. */
  totals: ColumnType<number[] | null, never, never>;
}

interface MessageDataTable {
  message_seq: number;
  user_id: string;
  fields: Json<DeviceAttributes>;
  /** The message has ended, and a resend may need them. */
  kept: Generated<boolean>;
}

/** From and to, epoch ms. */
export type QuietTime = [number, number];

export type BatchState = 'waiting' | 'ready' | 'leased' | 'parked' | 'done';

/** Sparse facts of single deliveries, by position in the batch. */
export interface DeliveryDetail {
  /** The provider's own word for the last trouble. */
  reason?: string;
  /** The id that the provider knows it by, where it is kept. */
  receipt?: string;
  /** Times it was written to the wire. */
  attempts: number;
  /** Epoch ms before which it is not tried again. */
  retryAt?: number;
}
export type DeliveryDetails = Record<string, DeliveryDetail>;

interface BatchTable {
  id: GeneratedAlways<number>;
  message_seq: number;
  application_id: string;
  provider: ProviderName;
  state: BatchState;
  /** In the lane of messages to device or user ids, outside the window. */
  direct: Generated<boolean>;
  size: number;
  first_seq: number;
  last_seq: number;
  device_seqs: ColumnType<number[], string, never>;
  outcomes: Buffer;
  counts: ColumnType<number[], string, string>;
  details: Json<DeliveryDetails>;
  epoch: Generated<number>;
  lease_until: Date | null;
  due_at: Date | null;
  /** When due_at was written. */
  waits_since: ColumnType<Date | null, never, Date | null>;
  has_slot: Generated<boolean>;
  /** When the first of it was taken up to be written, and when something of it was last recorded. */
  started_at: ColumnType<Date | null, never, Date | null>;
  touched_at: ColumnType<Date | null, never, Date | null>;
}

/** Its events are in webhook_event, which triggers write (migrations/0012-webhooks.ts). */
interface WebhookTable {
  id: GeneratedAlways<number>;
  application_id: string;
  name: string;
  url: string;
  event_types: ColumnType<string[], string, string>;
  secret: Buffer;
}

/** A user whose data goes in steps (users/user-removal.repository.ts). */
interface UserRemovalTable {
  application_id: string;
  user_id: string;
  /** What stands in its place where an id is kept. */
  pseudonym: string;
  /** Of its devices that are gone. */
  device_ids: Json<string[]>;
  asked_at: Date;
  last_device: number;
  last_message: number;
  looked_at: Generated<Date>;
  looked_seq: Generated<number>;
}

/** How fast an application may be sent to at a provider (delivery/deliver/pace.ts). */
export interface PaceTable {
  application_id: string;
  provider: ProviderName;
  per_second: number;
  growth: number;
  changed_at: Date;
  lapses_at: Date;
  slot_at: Date;
  blocked_until: Date | null;
  /** When the moments above were. */
  written_at: Date | null;
}
