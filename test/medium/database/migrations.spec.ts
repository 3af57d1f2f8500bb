import { Logger } from '@nestjs/common';
import { readFileSync, rmSync } from 'node:fs';
import { Kysely, Migrator, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { openDatabase } from '../../../src/database/database.js';
import type { Database } from '../../../src/database/database.js';
import { openEmbedded } from '../../../src/database/embedded/embedded.js';
import { runSteps } from '../../../src/database/migrate.js';
import { MIGRATIONS } from '../../../src/database/migrations/migrations.js';
import { openPostgres } from '../../../src/database/postgres.js';
import { createDatabase } from '../../harness/servers.js';
import { PLACES, newFolder } from './places.js';

/** docs/operations.md, how a transaction that is held is found and ended. */
function statementsOfGuide(): string[] {
  const guide = readFileSync('docs/operations.md', 'utf8');
  return [...guide.matchAll(/^ {4}(select pid,[^;]*|select pg_terminate_backend[^;]*);$/gm)].map(([, sql = '']) => sql);
}

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

  const addStep = async (name: string, demanded?: string): Promise<void> => {
    const database = await openDatabase(config);
    await sql`insert into kysely_migration values (${name}, '2030-01-01')`.execute(database.kysely);
    if (demanded !== undefined) await sql`insert into demanded_step values (${demanded})`.execute(database.kysely);
    await database.close();
  };

  it.each([
    ['an addition', undefined],
    ['a removal that demands a step that is known', '0055-audit-request'],
  ])('works beside %s of a newer release', async (_what, demanded) => {
    await addStep('9998-newer', demanded);
    const database = await openDatabase(config);
    expect(await columns(database, 'message')).toContain('id');
    await database.close();
  });

  it('refuses a database that demands a step of a newer release, and names the step', async () => {
    await addStep('9998-addition');
    await addStep('9999-removal', '9998-addition');
    await expect(openDatabase(config)).rejects.toThrow(
      /^The database \(.*\) was migrated by a newer Carillon \(9998-addition\): start that one, or restore a dump from before$/,
    );
  });

  it('refuses steps that are unknown in a database without demands', async () => {
    await make([...upTo('0055-audit-request')]);
    const opened = config.databaseUrl ? await openPostgres(config.databaseUrl) : await openEmbedded(config.dataDir);
    await opened.pool.query(`insert into kysely_migration values ('9999-later', '2030-01-01')`);
    await opened.close();
    await expect(openDatabase(config)).rejects.toThrow('(9999-later)');
  });

  it('writes down what a step demands', async () => {
    await (await openDatabase(config)).close();
    const opened = config.databaseUrl ? await openPostgres(config.databaseUrl) : await openEmbedded(config.dataDir);
    const removal = { up: () => Promise.resolve(), demands: '0063-demanded-steps' };
    await runSteps(opened.pool, opened.schema, opened.place, { ...MIGRATIONS, '9999-removal': removal });
    const { rows } = await opened.pool.query('select name from demanded_step');
    await opened.close();
    expect(rows).toEqual([{ name: '0063-demanded-steps' }]);
  });

  it.skipIf(place === 'embedded')('a step that waits for a reader lets other statements pass', async () => {
    await make(upTo('0054-key-id'));
    const [reader, caller] = [0, 1].map(() => new pg.Client({ connectionString: config.databaseUrl }));
    await Promise.all([reader!.connect(), caller!.connect()]);
    await reader!.query('begin; select * from audit_event');
    const warned = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const opening = openDatabase(config);
    const waits = async (): Promise<unknown> =>
      (await caller!.query(`select 1 from pg_locks where not granted and relation = 'audit_event'::regclass`)).rowCount;
    await expect.poll(waits, { timeout: 20_000, interval: 5 }).toBe(1);
    const started = performance.now();
    await caller!.query('select count(*) from audit_event');
    expect(performance.now() - started).toBeLessThan(5_000);
    await vi.waitFor(() => expect(warned).toHaveBeenCalled(), { timeout: 10_000 });
    reader!.on('error', () => undefined);
    const [find, end] = statementsOfGuide();
    const { rows } = await caller!.query<{ pid: number; usename: string }>(
      find!.replace("'1 minute'", "'0.5 seconds'"),
    );
    const { rows: held } = await caller!.query<{ pid: number }>(
      `select pid from pg_locks where granted and relation = 'audit_event'::regclass`,
    );
    expect(rows.map(({ pid }) => pid)).toContain(held[0]!.pid);
    await caller!.query(end!.replace('12345', String(held[0]!.pid)));
    await (await opening).close();
    expect(warned.mock.calls).toEqual([[expect.stringMatching(/^The step \S+ waits for a transaction that holds/)]]);
    warned.mockRestore();
    await caller!.end();
  });
});
