import { Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { sql } from 'kysely';
import { HOUR_MS, MINUTE_MS } from '../common/durations.js';
import { Rounds } from '../common/rounds.js';
import type { Database } from './database.js';

/** A look that finds nothing to do takes 1 to 5 ms. */
const EVERY_MS = 5_000;
/** A checkpoint of so much takes some 60 ms, in which this process does nothing else; after a kill it is read again in a second. */
const CHECKPOINT_BYTES = 64 * 2 ** 20;
/** PostgreSQL's own `checkpoint_timeout`. */
const CHECKPOINT_MS = 5 * MINUTE_MS;
/** As PostgreSQL's autovacuum: so many dead rows, and a fifth of the table. */
const DEAD_ROWS = 1_000;
const DEAD_SHARE = 0.2;
/**
 * A session remembers for each temporary table what these do not have of it, 0.6 KB a table, until they are written anew (4 ms
 * each). BullMQ makes them by the job, and this session lasts as long as the process.
 */
const REMEMBERED = ['pg_statistic', 'pg_type'];
/** A statement that held everything up for longer is told. */
const LONG_MS = 1_000;
const TELL_MS = HOUR_MS;

/**
 * PGlite is one process without PostgreSQL's background ones: nothing would write checkpoints, so that the log grew without
 * end and was read from its beginning after a crash, and nothing would take dead rows away.
 */
export class EmbeddedKeeper implements OnModuleInit, BeforeApplicationShutdown {
  private readonly log = new Logger('Database');
  private readonly rounds = new Rounds(this.log, 'The care of the embedded database', () => this.look());
  private timer: NodeJS.Timeout | undefined;
  private checkpointAt = performance.now();
  private toldAt = -Infinity;

  constructor(private readonly database: Pick<Database, 'kysely' | 'pool' | 'embedded'>) {}

  onModuleInit(): void {
    if (!this.database.embedded) return;
    this.timer = setInterval(() => void this.rounds.go(), EVERY_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.rounds.end();
  }

  /** At most a checkpoint, two small catalogs and one table, so that requests get their turn in between. */
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

  /** Bytes: of the log since the last checkpoint, of all of the log's files, of the tables. */
  private async readSizes(): Promise<{ unsaved: number; log: number; tables: number }> {
    const { rows } = await sql<{ unsaved: number; log: number; tables: number }>`
      select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 as unsaved,
        (select coalesce(sum(size), 0)::float8 from pg_ls_waldir()) as log,
        pg_database_size(current_database())::float8 as tables
      from pg_control_checkpoint()`.execute(this.database.kysely);
    return rows[0]!;
  }

  /** The table that has waited longest, small ones before large ones; the catalog's too, because BullMQ makes temporary tables. */
  private async findDeadRows(): Promise<string | undefined> {
    // What this session has counted is seen after it was flushed: otherwise once in some seconds.
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
