import pg from 'pg';
import type { Server } from '../../test/harness/servers.js';
import { cpuSeconds } from '../broadcast/usage.js';

/** Resource use of a PostgreSQL cluster since its start. */
interface Figures {
  /** Of all its processes, µs. */
  cpuUs: number;
  walBytes: number;
  /** Write operations: pages of 8 KB, and writes of the log. */
  writes: number;
  /** Flushes of the log to the disk. */
  flushes: number;
  /** Null if the server does not count them. */
  statements: number | null;
}

/** Figures per unit of work. */
export type ClusterCost = Figures;

/** Reads the figures of a cluster on this machine: Linux only. */
export class Cluster {
  private constructor(
    private readonly server: Server,
    private readonly client: pg.Client,
    private readonly version: number,
    private readonly counts: boolean,
  ) {}

  static async open(server: Server): Promise<Cluster> {
    const client = new pg.Client({ connectionString: server.url });
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query<{ version: number; counts: boolean }>(
      `select current_setting('server_version_num')::integer as version,
         current_setting('shared_preload_libraries') like '%pg_stat_statements%' as counts`,
    );
    const { version = 0, counts = false } = rows[0] ?? {};
    if (counts) await client.query('create extension if not exists pg_stat_statements');
    return new Cluster(server, client, version, counts);
  }

  /** The cost of each of the units that `work` returns the number of. */
  async measure(work: () => Promise<number>): Promise<ClusterCost> {
    const before = await this.read();
    const units = await work();
    const after = await this.read();
    const each = (name: keyof Figures): number => ((after[name] ?? 0) - (before[name] ?? 0)) / units;
    return {
      cpuUs: each('cpuUs'),
      walBytes: each('walBytes'),
      writes: each('writes'),
      flushes: each('flushes'),
      statements: after.statements === null ? null : each('statements'),
    };
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  private async read(): Promise<Figures> {
    const statements = this.counts ? '(select sum(calls)::float8 from pg_stat_statements)' : 'null';
    const { rows } = await this.client.query<Omit<Figures, 'cpuUs'>>(
      `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as "walBytes", ${this.writes()},
         ${statements} as statements`,
    );
    return { cpuUs: cpuSeconds(this.server.pid) * 1e6, ...rows[0]! };
  }

  /** PostgreSQL 16 counts pages by pg_stat_io, and 18 the log there as well. */
  private writes(): string {
    const io = (what: string): string => `(select sum(${what})::float8 from pg_stat_io)`;
    const log = (what: string): string => `(select ${what}::float8 from pg_stat_wal)`;
    if (this.version >= 180_000)
      return `${io('writes')} as writes, (select sum(fsyncs)::float8 from pg_stat_io where object = 'wal') as flushes`;
    const pages =
      this.version >= 160_000
        ? io('writes')
        : '(select (buffers_checkpoint + buffers_clean + buffers_backend)::float8 from pg_stat_bgwriter)';
    return `${pages} + ${log('wal_write')} as writes, ${log('wal_sync')} as flushes`;
  }
}

/** Cells of a table. */
export function clusterCells({
  cpuUs,
  walBytes,
  writes,
  flushes,
  statements,
}: ClusterCost): Record<string, number | null> {
  return {
    'PostgreSQL µs': rounded(cpuUs),
    'WAL bytes': Math.round(walBytes),
    'page and WAL writes': rounded(writes),
    flushes: rounded(flushes),
    statements: statements === null ? null : rounded(statements),
  };
}

/** Three significant digits: figures reach from hundredths to thousands. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
