import { rootCause } from './common/errors.js';
import { isTold } from './common/start-error.js';
import { readStores } from './config.js';
import { openDatabase } from './database/database.js';
import { makeQueueTables } from './queue/queue-tables.js';

/** `npm run migrate`: makes or updates the tables and ends, for a role that owns them where the program's own may not. */
async function run(): Promise<void> {
  const { databaseUrl, queueUrl, dataDir } = readStores();
  const database = await openDatabase({ databaseUrl, dataDir });
  try {
    if (!queueUrl) await makeQueueTables(database);
    process.stdout.write(`carillon: the tables are up to date (${database.place}, schema ${database.schema})\n`);
  } finally {
    await database.close();
  }
}

run().catch((error: unknown) => {
  process.stderr.write(`carillon: ${isTold(error) ? error.message : rootCause(error)}\n`);
  process.exitCode = 1;
});
