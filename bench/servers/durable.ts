import pg from 'pg';
import { startPostgres } from '../../test/harness/servers.js';
import type { PostgresServer } from '../../test/harness/servers.js';

/** PostgreSQL's own defaults, in place of those for tests: a commit is on the disk when it is answered. */
const DURABLE = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on'];

/** A durable PostgreSQL that counts statements if the extension is installed. */
export async function startDurablePostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const server = await startPostgres({ settings: [...DURABLE, ...settings] });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rowCount } = await client.query(`select from pg_available_extensions where name = 'pg_stat_statements'`);
  if (rowCount) await client.query(`alter system set shared_preload_libraries = 'pg_stat_statements'`);
  await client.end();
  if (rowCount) await server.restart('fast');
  return server;
}
