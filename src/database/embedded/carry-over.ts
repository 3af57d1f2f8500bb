import { Logger } from '@nestjs/common';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import type pg from 'pg';
import { runSteps } from '../migrate.js';
import { MIGRATIONS } from '../migrations/migrations.js';
import { openPostgres } from '../postgres.js';
import { isNothing } from './data-files.js';
import { EmbeddedServer } from './server.js';

/**
 * Carries the rows of an embedded database of version 0.1, which was PGlite (PostgreSQL in WebAssembly, other files),
 * to the files of a new one. The queue's jobs stay behind: the sweeper queues again what the tables say is open.
 */

const LEDGER = ['kysely_migration', 'kysely_migration_lock'];
/** Pages of 8 KiB per step, so that the memory of a step is bounded: 16 MB, and the long values of its rows. */
const PAGES = 2_000;

/** Whether the folder has the older kind of files, under `database`. */
export function isOlderKind(folder: string): boolean {
  return !isNothing(join(folder, 'database'));
}

/** `data`: files of a new database. The older files are kept under `database.pglite`. */
export async function carryOver(folder: string, data: string): Promise<void> {
  const log = new Logger('Database');
  const old = join(folder, 'database');
  log.log(`${old} was made by an older version and is carried over to PostgreSQL`);
  const { PGlite: Older } = await import('@electric-sql/pglite');
  const from = await Older.create(old);
  const server = await EmbeddedServer.start(data);
  const passing = join(folder, 'postgres.passing');
  mkdirSync(passing, { recursive: true, mode: 0o700 });
  try {
    const to = await openPostgres(server.url);
    try {
      await to.migrate(async (pool) => {
        await makeSameTables(from, pool, to.place);
        for (const table of await readTables(from)) await copyTable(from, pool, table, join(passing, 'rows'));
        await setSequences(from, pool);
        await pool.query('analyze');
      });
    } finally {
      await to.close();
    }
  } finally {
    await server.stop();
    await from.close();
    rmSync(passing, { recursive: true, force: true });
  }
  const kept = join(folder, 'database.pglite');
  if (!existsSync(kept)) renameSync(old, kept);
  log.log(`All rows were carried over; ${kept} is not used any more and may be removed`);
}

/** The tables as the older version left them; later steps follow when the database is opened. */
async function makeSameTables(from: PGlite, pool: pg.Pool, place: string): Promise<void> {
  const { rows } = await from.query<{ name: string }>('select name from kysely_migration');
  const done = new Set(rows.map(({ name }) => name));
  await runSteps(
    pool,
    'public',
    place,
    Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => done.has(name))),
  );
}

interface Table {
  name: string;
  columns: string;
  pages: number;
}

async function readTables(from: PGlite): Promise<Table[]> {
  const { rows } = await from.query<Table>(
    `select format('%I', c.relname) as name, string_agg(format('%I', a.attname), ', ') as columns,
       (pg_relation_size(c.oid) / 8192)::int as pages
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname <> all ($1)
     group by c.oid order by c.relname`,
    [LEDGER],
  );
  return rows;
}

/** Copies by files, which the server reads itself. Foreign keys and triggers rest: the rows satisfied them before. */
async function copyTable(from: PGlite, pool: pg.Pool, { name, columns, pages }: Table, file: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(`begin; set local session_replication_role = replica; truncate ${name} cascade`);
    for (let page = 0; page < pages; page += PAGES) {
      const range = `ctid >= '(${page},0)' and ctid < '(${page + PAGES},0)'`;
      const { blob } = await from.query(`copy (select ${columns} from ${name} where ${range}) to '/dev/blob'`);
      writeFileSync(file, Buffer.from(await blob!.arrayBuffer()), { mode: 0o600 });
      await client.query(`copy ${name} (${columns}) from '${file.replaceAll("'", "''")}'`);
    }
    const count = `select count(*)::int as rows from ${name}`;
    const { rows: before } = await from.query<{ rows: number }>(count);
    const { rows: after } = await client.query<{ rows: number }>(count);
    if (before[0]?.rows !== after[0]?.rows)
      throw new Error(`Of ${before[0]?.rows} rows of ${name} ${after[0]?.rows} were carried over`);
    await client.query('commit');
  } finally {
    // Rolls back what was not committed.
    client.release(true);
  }
}

async function setSequences(from: PGlite, pool: pg.Pool): Promise<void> {
  const { rows } = await from.query<{ name: string; value: string | null }>(
    `select format('%I', sequencename) as name, last_value::text as value from pg_sequences where schemaname = 'public'`,
  );
  for (const { name, value } of rows) if (value !== null) await pool.query('select setval($1, $2)', [name, value]);
}
