import { rmSync } from 'node:fs';
import { Kysely, Migrator, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { openDatabase } from '../../../src/database/database.js';
import type { Database } from '../../../src/database/database.js';
import { openEmbedded } from '../../../src/database/embedded/embedded.js';
import { MIGRATIONS } from '../../../src/database/migrations/migrations.js';
import { openPostgres } from '../../../src/database/postgres.js';
import { createDatabase } from '../../harness/servers.js';
import { PLACES, newFolder } from './places.js';

describe.each(PLACES)('a database of another version on %s', { timeout: 120_000 }, (place) => {
  const serverUrl = inject('postgresUrl') ?? '';
  let config: { databaseUrl?: string; dataDir: string };
  beforeEach(async () => {
    config =
      place === 'embedded' ? { dataDir: newFolder() } : { databaseUrl: await createDatabase(serverUrl), dataDir: '' };
  });
  afterEach(async () => {
    if (place === 'embedded') return rmSync(config.dataDir, { recursive: true });
    const server = new pg.Client({ connectionString: serverUrl });
    await server.connect();
    await server.query(`drop database ${new URL(config.databaseUrl ?? '').pathname.slice(1)} with (force)`);
    await server.end();
  });

  /** A database as the commits of these steps left it. */
  async function make(names: readonly string[]): Promise<void> {
    const opened = config.databaseUrl ? await openPostgres(config.databaseUrl) : await openEmbedded(config.dataDir);
    await opened.migrate(async (pool) => {
      const steps = Object.fromEntries(names.map((name) => [name, MIGRATIONS[name]!]));
      const migrator = new Migrator({
        db: new Kysely<never>({ dialect: new PostgresDialect({ pool }) }),
        provider: { getMigrations: () => Promise.resolve(steps) },
      });
      const { error } = await migrator.migrateToLatest();
      if (error) throw error;
    });
    await opened.close();
  }

  const columns = async (database: Database, table: string) => {
    const { rows } = await sql<{ name: string }>`select column_name as name from information_schema.columns
      where table_name = ${table} and table_schema = current_schema()`.execute(database.kysely);
    return rows.map(({ name }) => name);
  };

  const upTo = (last: string) => Object.keys(MIGRATIONS).filter((name) => name <= last);

  it.each([
    [
      'without the first of the two numbered 0012',
      upTo('0016-parked').filter((name) => name !== '0012-application-removal'),
    ],
    ['without the second of the two numbered 0012', upTo('0016-parked').filter((name) => name !== '0012-webhooks')],
    ['made before three steps that are now earlier', [...upTo('0009-device-attributes'), '0013-message-reports']],
    ['of the first release', upTo('0016-parked')],
  ])('a database %s opens and has every step', async (_what, names) => {
    await make(names);
    const database = await openDatabase(config);
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(database.kysely);
    const applications = await columns(database, 'application');
    const webhooks = await columns(database, 'webhook');
    await database.close();
    expect(rows.map(({ name }) => name).toSorted()).toEqual(Object.keys(MIGRATIONS));
    expect(applications).toContain('removed_at');
    expect(webhooks).not.toEqual([]);
  });

  it('refuses a database of a newer release and names its steps', async () => {
    const database = await openDatabase(config);
    await sql`insert into kysely_migration values ('9999-later', '2030-01-01')`.execute(database.kysely);
    await database.close();
    await expect(openDatabase(config)).rejects.toThrow(
      /^The database \(.*\) was migrated by a newer Carillon \(9999-later\): start that one, or restore a dump from before$/,
    );
  });
});
