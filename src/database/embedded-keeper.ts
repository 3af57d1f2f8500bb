import { Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { sql } from 'kysely';
import { HOUR_MS, MINUTE_MS } from '../common/durations.js';
import { Rounds } from '../common/rounds.js';
import type { Database } from './database.js';

/** An idle round takes 1 to 5 ms. */
const EVERY_MS = 5_000;
/** A checkpoint of this size blocks the process for about 60 ms; after a kill, reading it again takes a second. */
const CHECKPOINT_BYTES = 64 * 2 ** 20;
/** PostgreSQL's default `checkpoint_timeout`. */
const CHECKPOINT_MS = 5 * MINUTE_MS;
/** Like PostgreSQL's autovacuum: this many dead rows, and a fifth of the table. */
const DEAD_ROWS = 1_000;
const DEAD_SHARE = 0.2;
/**
 * For each temporary table a session caches what these catalogs lack, 0.6 KB per table, until they are rewritten (4 ms
 * each). BullMQ creates temporary tables per job, and this session lasts as long as the process.
 */
const REMEMBERED = ['pg_statistic', 'pg_type'];
/** A statement that blocked longer is logged. */
const LONG_MS = 1_000;
const TELL_MS = HOUR_MS;

/**
 * Writes checkpoints and vacuums for PGlite, which has none of PostgreSQL's background processes: the log would grow
 * without limit and be read from its beginning after a crash, and dead rows would stay.
 */
export class EmbeddedKeeper implements OnModuleInit, BeforeApplicationShutdown {
  private readonly log = new Logger('Database');
  private readonly rounds = new Rounds(this.log, 'The care of the embedded database', () => this.look());
  private checkpointAt = performance.now();
  private toldAt = -Infinity;

  constructor(private readonly database: Pick<Database, 'kysely' | 'pool' | 'embedded'>) {}

  onModuleInit(): void {
    if (this.database.embedded) this.rounds.every(EVERY_MS);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }

  /**
   * Runs at most a checkpoint, the vacuum of two small catalogs and of one table, so that requests get a turn in
   * between.
   */
  async look(): Promise<void> {
    const sizes = await this.readSizes();
    if (sizes.unsaved > CHECKPOINT_BYTES || (sizes.unsaved > 0 && this.isCheckpointDue())) {
      this.checkpointAt = performance.now();
      await this.run('checkpoint');
      for (const catalog of REMEMBERED) await this.run(`vacuum full pg_catalog.${catalog}`);
    }
    const table = await this.findDeadRows();
    if (table !== undefined) await this.run(`vacuum ${table}`);
    this.tell(sizes);
  }

  private isCheckpointDue(): boolean {
    return performance.now() - this.checkpointAt > CHECKPOINT_MS;
  }

  /** Bytes: of the log since the last checkpoint, of all log files, of the tables. */
  private async readSizes(): Promise<{ unsaved: number; log: number; tables: number }> {
    const { rows } = await sql<{ unsaved: number; log: number; tables: number }>`
      select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 as unsaved,
        (select coalesce(sum(size), 0)::float8 from pg_ls_waldir()) as log,
        pg_database_size(current_database())::float8 as tables
      from pg_control_checkpoint()`.execute(this.database.kysely);
    return rows[0]!;
  }

  /**
   * The table that has waited longest, small ones before large ones; includes the catalog's tables, because BullMQ
   * creates temporary tables.
   */
  private async findDeadRows(): Promise<string | undefined> {
    // Flushes this session's counts, which are otherwise visible only after some seconds.
    await sql`select pg_stat_force_next_flush()`.execute(this.database.kysely);
    const { rows } = await sql<{ name: string }>`
      select format('%I.%I', schemaname, relname) as name from pg_stat_all_tables
      where schemaname !~ '^pg_(toast|temp)' and n_dead_tup > ${DEAD_ROWS} and n_dead_tup > ${DEAD_SHARE}::float8 * n_live_tup
      order by last_vacuum nulls first, pg_table_size(relid) limit 1`.execute(this.database.kysely);
    return rows[0]?.name;
  }

  private async run(statement: string): Promise<void> {
    const started = performance.now();
    await this.database.pool.query(statement);
    const ms = performance.now() - started;
    if (ms > LONG_MS) this.log.warn(`The embedded database was busy with ${statement} for ${Math.round(ms)} ms`);
  }

  private tell({ log, tables }: { log: number; tables: number }): void {
    if (performance.now() - this.toldAt < TELL_MS) return;
    this.toldAt = performance.now();
    this.log.log(`The embedded database has ${inMb(tables)} of tables and ${inMb(log)} of log`);
  }
}

function inMb(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`;
}
