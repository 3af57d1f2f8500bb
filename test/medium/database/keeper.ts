import { sql } from 'kysely';
import { openDatabase } from '../../../src/database/database.js';

/** Holds the given folder, with one committed row and one in an open transaction, until it is killed. */
const database = await openDatabase({ dataDir: process.argv[2] ?? '' });
await database.kysely.insertInto('application').values({ id: 'committed' }).execute();
await database.kysely.transaction().execute(async (transaction) => {
  await transaction.insertInto('application').values({ id: 'open' }).execute();
  await sql`select 1`.execute(transaction);
  process.stdout.write('ready\n');
  await new Promise(() => setInterval(() => undefined, 60_000));
});
