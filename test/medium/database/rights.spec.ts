import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { StartError } from '../../../src/common/start-error.js';
import { openDatabase, probeWrites } from '../../../src/database/database.js';
import type { Database } from '../../../src/database/database.js';
import { Queues } from '../../../src/queue/queue.js';
import { createDatabase } from '../../harness/servers.js';
import { workExpansions } from '../queue/jobs-run.js';

/** Roles with few rights, and schemas that other programs share. */

const serverUrl = inject('postgresUrl');

describe.skipIf(!serverUrl)('a PostgreSQL role', () => {
  let url: string;
  let admin: pg.Client;
  let owner: string;
  let app: string;
  const opened: { close(): Promise<unknown> }[] = [];
  beforeEach(async () => {
    url = await createDatabase(serverUrl ?? '');
    const [, name = ''] = new URL(url).pathname.split('/');
    [owner, app] = [`${name}_owner`, `${name}_app`];
    admin = new pg.Client({ connectionString: url });
    await admin.connect();
    await admin.query(`create role ${owner} login; create role ${app} login`);
  });
  afterEach(async () => {
    for (const each of opened.splice(0).toReversed()) await each.close();
    await admin.query(`drop owned by ${owner}, ${app} cascade; drop role ${owner}; drop role ${app}`);
    await admin.end();
    const server = new pg.Client({ connectionString: serverUrl ?? '' });
    await server.connect();
    await server.query(`drop database ${new URL(url).pathname.slice(1)} with (force)`);
    await server.end();
  });

  const as = (role: string, schema?: string): string => {
    const address = new URL(url);
    address.username = role;
    return schema === undefined ? address.href : `${address.href}?options=-c%20search_path%3D${schema}`;
  };
  const open = async (databaseUrl: string): Promise<Database> => {
    const database = await openDatabase({ databaseUrl, dataDir: '' });
    opened.push(database);
    return database;
  };
  const openQueues = async (database: Database): Promise<Queues> => {
    const queues = await Queues.open({}, database, () => undefined);
    opened.push(queues);
    return queues;
  };
  const expectRefusal = async (opening: Promise<unknown>, message: RegExp): Promise<void> => {
    await expect(opening).rejects.toThrow(StartError);
    await expect(opening).rejects.toThrow(message);
  };
  const tables = async (): Promise<number> => {
    const { rows } = await admin.query<{ count: number }>(
      `select count(*)::int as count from information_schema.tables where table_schema = 'public'`,
    );
    return rows[0]?.count ?? 0;
  };
  /** The grants of docs/operations.md. */
  const grants = (schema: string): string =>
    [
      `grant usage${schema === 'bullmq' ? ', create' : ''} on schema ${schema} to ${app}`,
      `grant select, insert, update, delete on all tables in schema ${schema} to ${app}`,
      `grant usage on all sequences in schema ${schema} to ${app}`,
    ].join('; ');

  it('without CREATE on the schema is refused with the grant, and nothing is created', async () => {
    const grant = `grant usage, create on schema public to ${app}`;
    await expectRefusal(
      open(as(app)),
      new RegExp(`: the role ${app} may not make tables in the schema public: run "${grant}" as carillon, or npm`),
    );
    expect(await tables()).toBe(0);
    await admin.query(grant);
    await probeWrites(await open(as(app)));
  });

  it('without CREATE on the database is refused a queue there, with the statement that creates its schema', async () => {
    await admin.query(`grant create on schema public to ${app}`);
    const database = await open(as(app));
    const statement = `create schema bullmq authorization ${app}`;
    await expectRefusal(
      openQueues(database),
      new RegExp(`: the role ${app} may not make the schema bullmq: run "${statement}", or npm run migrate`),
    );
    await admin.query(statement);
    const queues = await openQueues(database);
    const ran = workExpansions(queues);
    await queues.add('expand', [{ id: 'one', data: { id: 1 } }]);
    await vi.waitFor(() => expect(ran).toEqual([1]), { timeout: 20_000 });
  });

  it('that only runs what an owner migrated needs the grants of the guide, also for the queue in the database', async () => {
    await admin.query(`grant create on schema public to ${owner}; create schema bullmq authorization ${owner}`);
    await openQueues(await open(as(owner)));
    await expectRefusal(
      open(as(app)),
      new RegExp(
        `the role ${app} may not use what belongs to the role ${owner} in the schema public .*run "grant usage`,
      ),
    );
    await admin.query(grants('public'));
    const database = await open(as(app));
    await expectRefusal(
      openQueues(database),
      new RegExp(`in the schema bullmq .*run "grant usage, create on schema bullmq`),
    );
    await admin.query(grants('bullmq'));
    const queues = await openQueues(database);
    const ran = workExpansions(queues);
    await probeWrites(database);
    await queues.add('expand', [{ id: 'one', data: { id: 1 } }]);
    await vi.waitFor(() => expect(ran).toEqual([1]), { timeout: 20_000 });
  });

  it('that runs what an owner has to migrate first is refused with the steps and the owner', async () => {
    await admin.query(`grant create on schema public to ${owner}`);
    await open(as(owner));
    await admin.query(grants('public'));
    await admin.query(`delete from kysely_migration where name = '0032-webhook-secret'`);
    await expectRefusal(
      open(as(app)),
      new RegExp(
        `has to be migrated \\(0032-webhook-secret\\), and its tables belong to the role ${owner}: run npm run`,
      ),
    );
  });

  it('without a right to one table is refused with the table’s name', async () => {
    await admin.query(`grant create on schema public to ${owner}`);
    await open(as(owner));
    await admin.query(`${grants('public')}; revoke delete on webhook from ${app}`);
    await expectRefusal(open(as(app)), /may not use what belongs to .* in the schema public \(webhook\)/);
  });

  it('with an invalid search path is refused, and creates no tables elsewhere', async () => {
    await expectRefusal(
      open(as(app, 'nowhere')),
      new RegExp(`no schema that the role ${app} may use \\(search_path is nowhere\\)`),
    );
  });

  it.each<[string, string, RegExp]>([
    ['a table of another program', 'create table device (id int)', /has the table device of another program/],
    [
      'Kysely’s tables of another program',
      `create table kysely_migration (name varchar(255), timestamp varchar(255)); insert into kysely_migration values ('001-init', '')`,
      /has the table kysely_migration of another program/,
    ],
  ])('is refused a schema that has %s, and nothing is created', async (_what, statement, message) => {
    await admin.query(statement);
    const before = await tables();
    await expectRefusal(open(url), message);
    const made = await tables();
    // Kysely creates its two tables before it begins.
    expect(made - before).toBeLessThanOrEqual(2);
    await admin.query('create schema carillon');
    await probeWrites(await open(`${url}?options=-c%20search_path%3Dcarillon`));
  });

  it('may keep two installations in two schemas, with separate queues in the database', async () => {
    await admin.query(`grant create on database ${new URL(url).pathname.slice(1)} to ${app}`);
    await admin.query(`create schema one authorization ${app}; create schema two authorization ${app}`);
    const queues: Queues[] = [];
    for (const schema of ['one', 'two']) queues.push(await openQueues(await open(as(app, schema))));
    const [one, two] = queues.map((each) => workExpansions(each));
    await queues[0]!.add(
      'expand',
      [1, 2, 3, 4].map((id) => ({ id: `job-${id}`, data: { id } })),
    );
    await queues[1]!.add(
      'expand',
      [5, 6, 7, 8].map((id) => ({ id: `job-${id}`, data: { id } })),
    );
    await vi.waitFor(
      () => {
        expect(one?.toSorted()).toEqual([1, 2, 3, 4]);
        expect(two?.toSorted()).toEqual([5, 6, 7, 8]);
      },
      { timeout: 20_000 },
    );
  });

  it('is told the owner of the queue’s tables if another role created them', async () => {
    await admin.query(`create schema one authorization ${owner}; create schema two authorization ${app}`);
    await admin.query(`create schema bullmq authorization ${owner}`);
    await openQueues(await open(as(owner, 'one')));
    const other = await open(as(app, 'two'));
    await expectRefusal(
      openQueues(other),
      new RegExp(`the role ${app} may not use what belongs to the role ${owner} in the schema bullmq`),
    );
  });
});
