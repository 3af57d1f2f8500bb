import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { Json } from './columns.js';

/** The tables of campaigns, and the tables that delivery keeps for campaigns. */

export type CampaignState = 'draft' | 'awaitingApproval' | 'active' | 'paused' | 'finished';

export interface CampaignTable {
  seq: GeneratedAlways<number>;
  application_id: string;
  id: string;
  client_id: string;
  name: string;
  definition: Json<Record<string, unknown>>;
  state: CampaignState;
  state_reason: string | null;
  /** The client or person that made the campaign, and those that changed it. */
  authors: Generated<string[]>;
  /** The content and audience that were approved; null: none. */
  approved_revision: ColumnType<string | null, never, string>;
  approved_by: ColumnType<string | null, never, string>;
  /** Of the request that made the campaign; null: none, or more than a day old. */
  idempotency_key: Generated<string | null>;
  request_hash: Generated<Buffer | null>;
  daily_cap: number | null;
  next_at: Date | null;
  due_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

export type RunState = 'running' | 'sent' | 'skipped' | 'cancelled';

export interface CampaignRunTable {
  seq: GeneratedAlways<number>;
  campaign_seq: number;
  scheduled_at: Date;
  manual: boolean;
  state: RunState;
  reason: string | null;
  definition: ColumnType<Record<string, unknown> | null, string | null, string | null>;
  rate_seq: number | null;
  /** Of a manual run: the client of its Idempotency-Key. */
  client_id: Generated<string | null>;
  idempotency_key: Generated<string | null>;
  /** Of a run for several missed firings: their number, and the time of the first. */
  missed_count: Generated<number | null>;
  missed_from: Generated<Date | null>;
  created_at: Date;
}

export type WaveState = 'waiting' | 'sent' | 'empty' | 'skipped' | 'cancelled';

export interface CampaignWaveTable {
  seq: GeneratedAlways<number>;
  run_seq: number;
  plan: Json<Record<string, unknown>>;
  due_at: Date;
  state: WaveState;
  reason: string | null;
}

export interface CampaignMessageTable {
  wave_seq: number;
  message_seq: number;
  variant: string | null;
  language: string | null;
}

/** The rate of messages (delivery/expand/message-rate.ts). */
export interface MessageRateTable {
  seq: GeneratedAlways<number>;
  per_second: number | null;
  spread_s: number | null;
  next_ms: number;
  /** When next_ms was written. */
  written_at: ColumnType<Date | null, never, Date>;
}

export interface ReachTable {
  application_id: string;
  person: string;
  keys: ColumnType<number[], string, string>;
}
