import type { ColumnType, Generated, GeneratedAlways } from 'kysely';

/** The tables of the running installation. */

export interface ProcessTable {
  id: string;
  name: string;
  roles: string[];
  version: string;
  host: string;
  key_id: string | null;
  clock_ahead_ms: number | null;
  zone_rules: string | null;
  started_at: Date;
  seen_at: Date;
  ended_at: Date | null;
}

/** A change that is not yet in the sums of StatisticTable. Triggers write those of outcomes and registrations. */
export interface StatisticChangeTable {
  id: GeneratedAlways<number>;
  application_id: string;
  at: Generated<Date>;
  /** A provider, `message` or `device`. */
  name: string;
  counts: ColumnType<number[], string, never>;
}

export interface StatisticTable {
  /** Empty: all applications. */
  application_id: string;
  /** Seconds. */
  step: number;
  at: Date;
  name: string;
  counts: ColumnType<number[], string, string>;
}
