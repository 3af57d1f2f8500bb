import type { Generated } from 'kysely';
import type { ProviderName } from '../providers/provider.js';
import type { Json } from './columns.js';

/** The tables that workers keep about providers. */

/** The connections of one worker process to a provider for an application. */
export interface ProcessStatus {
  connections: number;
  /** Concurrent requests that the peers allow, summed over all connections. */
  streams: number;
  inFlight: number;
  /** Deliveries per second since the previous report. */
  rate: number;
  /** The settings with which they were accepted; 0: a provider without settings. Absent in older versions' reports. */
  settingsVersion?: number;
  /** Epoch ms. */
  reportedAt: number;
}

export interface ProviderStatusTable {
  application_id: string;
  provider: ProviderName;
  last_success_at: Date | null;
  last_error_at: Date | null;
  last_error: string | null;
  /** The highest rate accepted lately, when, and with which version of the settings. */
  proven_rate: Generated<number | null>;
  proven_at: Generated<Date | null>;
  proven_version: Generated<number | null>;
  processes: Json<Record<string, ProcessStatus>>;
}

export interface SharedTokenTable {
  name: string;
  token: Buffer;
  minted_at: Date;
  expires_at: Date;
}

/** The sending rate of an application at a provider (delivery/deliver/pace.ts). */
export interface PaceTable {
  application_id: string;
  provider: ProviderName;
  per_second: number;
  growth: number;
  changed_at: Date;
  lapses_at: Date;
  slot_at: Date;
  blocked_until: Date | null;
  /** When the times above were written. */
  written_at: Date | null;
}
