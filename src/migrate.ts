// The first import, as in main.ts.
import { stopBy } from './signals.js';
import { rootCause } from './common/errors.js';
import { isTold } from './common/start-error.js';
import { readStores } from './config.js';

function end(text: string): void {
  process.stderr.write(`carillon: ${text}\n`);
  process.exit(1);
}

stopBy((signal) => end(`Stopped by ${signal}: the database rolls back what was begun; run it again`));

/**
 * `npm run migrate`: creates or updates the tables and ends, with a database role that owns them if the program's role
 * may not.
 */
async function run(): Promise<void> {
  const { databaseUrl, queueUrl, dataDir } = readStores();
  const { openDatabase } = await import('./database/database.js');
  const { buildLateIndexes } = await import('./database/late-indexes.js');
  const { makeQueueTables } = await import('./queue/queue-tables.js');
  const database = await openDatabase({ databaseUrl, dataDir });
  try {
    await buildLateIndexes(database);
    if (!queueUrl) await makeQueueTables(database);
    process.stdout.write(`carillon: the tables are up to date (${database.place}, schema ${database.schema})\n`);
  } finally {
    await database.close();
  }
}

run().then(
  () => process.exit(0),
  (error: unknown) => end(isTold(error) ? error.message : rootCause(error)),
);
