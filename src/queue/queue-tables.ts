import { DEFAULT_SCHEMA, LATEST_SCHEMA_VERSION, SchemaMigrationRequiredError } from 'bullmq';
import { assertSchemaCompatibility, runMigrations } from 'bullmq';
import { StartError } from '../common/start-error.js';
import type { Database } from '../database/database.js';
import { demandMigration, demandUse, readRights } from '../database/rights.js';

/** Creates BullMQ's tables in the schema `bullmq`, besides ours. Throws StartError. */
export async function makeQueueTables(database: Database): Promise<void> {
  const { pool, place } = database;
  const standing = await readRights(pool, DEFAULT_SCHEMA, 'migration');
  // BullMQ creates a sequence for each queue with its first job.
  if (standing.owner !== null) await demandUse(pool, standing, place, true);
  if (standing.owner !== null && (await readVersion(pool)) >= LATEST_SCHEMA_VERSION) return;
  demandMigration(standing, ['the queue’s tables'], place);
  await database
    .migrate((unbounded) => run(unbounded, standing.isThere))
    .catch((error: unknown) => {
      throw new StartError(`The queue’s tables cannot be created (${place})`, error);
    });
}

async function readVersion(pool: Database['pool']): Promise<number> {
  const client = await pool.connect();
  try {
    return await assertSchemaCompatibility(client);
  } catch (error) {
    if (error instanceof SchemaMigrationRequiredError) return 0;
    throw error;
  } finally {
    client.release();
  }
}

async function run(pool: Database['pool'], hasSchema: boolean): Promise<void> {
  const client = await pool.connect();
  try {
    // PostgreSQL checks the right to create a schema before it checks whether the schema exists.
    const query = (text: string, values?: unknown[]) =>
      hasSchema && /^create schema/i.test(text) ? Promise.resolve({ rows: [] }) : client.query(text, values);
    await runMigrations({ query } as typeof client);
  } finally {
    client.release();
  }
}
