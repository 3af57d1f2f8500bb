import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { AuthTables } from './auth-tables.js';
import type {
  CampaignMessageTable,
  CampaignRunTable,
  CampaignTable,
  CampaignWaveTable,
  MessageRateTable,
  ReachTable,
} from './campaign-tables.js';
import type { CreatedAt, Json } from './columns.js';
import type { PaceTable, ProviderStatusTable, SharedTokenTable } from './provider-tables.js';
import type { ProcessTable, StatisticChangeTable, StatisticTable } from './system-tables.js';
import type {
  AudienceTable,
  ReceiptCountTable,
  ReceiptTable,
  SubscriptionTable,
  TagTable,
  TallyTable,
  UserRemovalTable,
} from './device-tables.js';
import type { Notification } from '../providers/notification.js';
import type { ProviderName } from '../providers/provider.js';

/** The tables as Kysely sees them. Their SQL, with the reasons for its form, is in migrations/. */
export interface Tables extends AuthTables {
  application: ApplicationTable;
  provider_setting: ProviderSettingTable;
  provider_status: ProviderStatusTable;
  shared_token: SharedTokenTable;
  device: DeviceTable;
  tag: TagTable;
  subscription: SubscriptionTable;
  audience: AudienceTable;
  tally: TallyTable;
  message: MessageTable;
  message_data: MessageDataTable;
  batch: BatchTable;
  receipt: ReceiptTable;
  receipt_count: ReceiptCountTable;
  pace: PaceTable;
  campaign: CampaignTable;
  campaign_run: CampaignRunTable;
  campaign_wave: CampaignWaveTable;
  campaign_message: CampaignMessageTable;
  message_rate: MessageRateTable;
  reach: ReachTable;
  webhook: WebhookTable;
  user_removal: UserRemovalTable;
  process: ProcessTable;
  statistic_change: StatisticChangeTable;
  statistic: StatisticTable;
}

interface ApplicationTable {
  id: string;
  enabled: Generated<boolean>;
  strict: Generated<boolean>;
  /** A campaign or message to more devices waits for approval; null: none waits. */
  approval_above: Generated<number | null>;
  created_at: CreatedAt;
  /** Set when the application was removed for every caller; its rows are deleted in steps. */
  removed_at: ColumnType<Date | null, never, Date>;
  /** Set when a client stopped the application; nothing is sent meanwhile. */
  stopped_at: ColumnType<Date | null, never, Date | null>;
  stopped_by: ColumnType<string | null, never, string | null>;
  /** Sealed; null: its deliveries have no receipt token. */
  receipt_key: ColumnType<Buffer | null, never, Buffer | null>;
  /** Of pages that may call with a device token or a receipt token. */
  allowed_origins: Generated<string[]>;
}

/** `gcm`: MobileFirst's keys of the API that Google has switched off; stored to be read, never used. */
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
  /** Of a pause: when a single delivery is tried. */
  next_try_at: Date | null;
  /** Of a pause: number of tries. */
  tries: Generated<number>;
  updated_at: Date;
}

/** Data of an app about its user: a flat object. */
export type DeviceAttributes = Record<string, string | number | boolean>;

export interface DeviceTable {
  seq: GeneratedAlways<number>;
  application_id: string;
  device_id: string;
  platform: string;
  provider: ProviderName;
  token: string;
  /** SHA-256 of the token's identity (devices/device-token.ts): unique per application and provider. */
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
  /** `YYYY-MM-DD`, UTC: the last day on which the app was seen. */
  seen_on: ColumnType<string, string | undefined, string>;
  registered_at: Date;
  created_at: CreatedAt;
  updated_at: Date;
}

/** The recipients of a message: at most one of the three lists; `platforms` restricts it, or all devices. */
export interface Target {
  deviceIds?: string[];
  userIds?: string[];
  tagNames?: string[];
  platforms?: string[];
  /** A device must match all of them. */
  where?: DeviceCondition[];
}

/** A campaign's conditions on a device, besides the lists. */
export type DeviceCondition =
  /** BCP 47 in lower case: `de` includes `de-at`. Without `of`: any language or none, except `except`. */
  | { kind: 'language'; of?: string[]; except?: string[] }
  /** `orNone`: includes devices without a zone. */
  | { kind: 'timeZone'; of: string[]; orNone: boolean }
  /** Numbers with dots, both ends included. */
  | { kind: 'appVersion'; min?: string; max?: string }
  | { kind: 'attribute'; name: string; in: DeviceAttributes[string][] }
  | { kind: 'attributeRange'; name: string; min?: number; max?: number }
  /**
   * Ten-thousandths of the users, from `from` (included) to `to` (excluded); always the same users for the same salt.
   */
  | { kind: 'share'; salt: string; from: number; to: number };

/**
 * `paused` is never stored; the state follows from `paused_at`, or from a pause at all providers of the message.
 * `removed` is never shown: its batches are deleted in steps, then its row.
 */
export type MessageState =
  | 'awaitingApproval'
  | 'scheduled'
  | 'accepted'
  | 'expanding'
  | 'sending'
  | 'paused'
  | 'finished'
  | 'cancelled'
  | 'expired'
  | 'removed';

interface MessageTable {
  seq: GeneratedAlways<number>;
  application_id: string;
  id: string;
  client_id: string;
  body: Json<Record<string, unknown>>;
  notification: Json<Omit<Notification, 'messageId' | 'expiresAt'>>;
  target: Json<Target>;
  state: MessageState;
  /** Urgent (delivery/urgent-share.ts). Releases before 2026-11-29 read this column under this name. */
  direct: boolean;
  /** Null: not given. */
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
  /** Set while the message is paused. */
  paused_at: ColumnType<Date | null, never, Date | null>;
  /** The original of a resend; the audience is the original's deliveries with `resend_outcomes` (codes). */
  resend_of: string | null;
  resend_outcomes: ColumnType<number[] | null, string | null, never>;
  /** The rate limit of the message. */
  rate_seq: ColumnType<number | null, number | null | undefined, never>;
  expand_at: ColumnType<Date | null, never, Date | null>;
  /** When expand_at was written. */
  waits_since: ColumnType<Date | null, never, Date | null>;
  quiet: ColumnType<QuietTime[] | null, string | null | undefined, never>;
  reach_key: ColumnType<number | null, number | null | undefined, never>;
  reach_cap: ColumnType<number | null, number | null | undefined, never>;
  /** Devices skipped because of the daily cap of their person. */
  capped: Generated<number>;
  /** Time of sending; null: at once. */
  send_at: Date | null;
  label: string | null;
  bulk_of: string | null;
  /** The campaign and the run that made the message. */
  campaign_seq: ColumnType<number | null, number | null | undefined, never>;
  run_seq: ColumnType<number | null, number | null | undefined, never>;
  approved_by: ColumnType<string | null, never, string>;
  /** Of a test: the id of its campaign. */
  test_of: ColumnType<string | null, string | null | undefined, never>;
  /** The trace that the message belongs to (common/tracing.ts). */
  traceparent: ColumnType<string | null, string | null | undefined, never>;
  /** Deliveries per outcome, index = code; null until the message ends. */
  totals: ColumnType<number[] | null, never, never>;
}

interface MessageDataTable {
  message_seq: number;
  user_id: string;
  fields: Json<DeviceAttributes>;
  /** The message has ended, and a resend may need the data. */
  kept: Generated<boolean>;
}

/** From and to, epoch ms. */
export type QuietTime = [number, number];

export type BatchState = 'waiting' | 'ready' | 'leased' | 'parked' | 'done';

/** Details of single deliveries that have any, by position in the batch. */
export interface DeliveryDetail {
  /** The provider's reason for the last failure. */
  reason?: string;
  /** The provider's id of the delivery, if stored. */
  receipt?: string;
  /** How many times the delivery was sent. */
  attempts: number;
  /** Epoch ms of the earliest next try. */
  retryAt?: number;
}
export type DeliveryDetails = Record<string, DeliveryDetail>;

interface BatchTable {
  id: GeneratedAlways<number>;
  message_seq: number;
  application_id: string;
  provider: ProviderName;
  state: BatchState;
  /** Urgent: outside the window. */
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
  /** When the first delivery was claimed for sending, and when the last outcome was recorded. */
  started_at: ColumnType<Date | null, never, Date | null>;
  touched_at: ColumnType<Date | null, never, Date | null>;
}

/** Events are in webhook_event, written by triggers (migrations/0012-webhooks.ts). */
interface WebhookTable {
  id: GeneratedAlways<number>;
  application_id: string;
  name: string;
  url: string;
  event_types: ColumnType<string[], string, string>;
  labels: string[] | null;
  campaigns: string[] | null;
  secret: Buffer;
}
