import { readStores } from '../config.js';
import { inspectDatabase, openDatabase } from '../database/database.js';
import { buildLateIndexes } from '../database/late-indexes.js';
import { planLines } from '../database/migration-plan.js';
import { makeQueueTables } from '../queue/queue-tables.js';
import { VERSION } from '../version.js';
import { recordCommand } from './recorded.js';
import type { Command } from './command.js';

/** Creates or updates the tables, with a database role that owns them if the role of the program may not. */
export const migrate: Command = async (say, args) => {
  const { databaseUrl, queueUrl, dataDir } = readStores();
  if (args.includes('--plan')) return plan(databaseUrl, say);
  const database = await openDatabase({ databaseUrl, dataDir });
  try {
    await buildLateIndexes(database);
    if (!queueUrl) await makeQueueTables(database);
    await recordCommand(database, say, 'migrate', { version: VERSION });
    say(`carillon: the tables are up to date (${database.place}, schema ${database.schema})`);
    return 0;
  } finally {
    await database.close();
  }
};

/** Changes nothing. */
async function plan(databaseUrl: string | undefined, say: (line: string) => void): Promise<number> {
  if (databaseUrl === undefined) {
    say('The embedded database is migrated when its process starts, and no other process uses it');
    return 0;
  }
  const database = await inspectDatabase(databaseUrl);
  try {
    for (const line of await planLines(database)) say(line);
    return 0;
  } finally {
    await database.close();
  }
}
