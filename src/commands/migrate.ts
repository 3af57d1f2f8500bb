import { readStores } from '../config.js';
import { openDatabase } from '../database/database.js';
import { buildLateIndexes } from '../database/late-indexes.js';
import { makeQueueTables } from '../queue/queue-tables.js';
import type { Command } from './command.js';

/** Creates or updates the tables, with a database role that owns them if the role of the program may not. */
export const migrate: Command = async (say) => {
  const { databaseUrl, queueUrl, dataDir } = readStores();
  const database = await openDatabase({ databaseUrl, dataDir });
  try {
    await buildLateIndexes(database);
    if (!queueUrl) await makeQueueTables(database);
    say(`carillon: the tables are up to date (${database.place}, schema ${database.schema})`);
    return 0;
  } finally {
    await database.close();
  }
};
