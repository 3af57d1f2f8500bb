import { createPostgresBackend, withBackend } from 'bullmq';
import { withDeadline } from '../common/deadline.js';
import type { Database } from '../database/database.js';
import { newQueuePool } from '../database/postgres.js';
import { LOCKS } from './backend.js';
import type { Backend } from './backend.js';
import type { JobData, QueueName } from './jobs.js';
import { makeQueueTables } from './queue-tables.js';
import { steady } from './steady-worker.js';

/**
 * Connections to PostgreSQL for the queue's statements; each worker needs one more for LISTEN, which BullMQ does not
 * share.
 */
const CONNECTIONS = 16;

const CLOSE_MS = 2_000;

export async function openInDatabase(database: Database): Promise<Backend> {
  await makeQueueTables(database);
  const classes = withBackend(createPostgresBackend);
  const connection = newQueuePool(database.url, CONNECTIONS);
  const workers = new Set<QueueName>();
  // Two installations in one database, each in its own schema, share BullMQ's schema.
  const named = (name: QueueName): string =>
    database.schema === 'public' ? name : `${encodeURIComponent(database.schema)}-${name}`;
  return {
    place: 'in the database',
    newQueue: (name) => new classes.Queue(named(name), { connection }),
    newWorker: (name, run, concurrency) => {
      // Each queue name needs one connection to listen; a later worker of the same name replaces the first.
      workers.add(name);
      connection.allow(CONNECTIONS + workers.size);
      const how = { connection, concurrency, autorun: false, ...LOCKS };
      return steady(new classes.Worker<JobData>(named(name), (job) => run(job.data), how));
    },
    // The health route checks separately whether the database accepts writes.
    probe: () => connection.query('select 1'),
    // A row per lot of requests would cost as much as a limit is to save.
    count: () => Promise.resolve(null),
    abandonWorkers: () => undefined,
    // Connections of an abandoned worker close with the process.
    close: () => withDeadline('The queue', CLOSE_MS, connection.end()).catch(() => undefined),
  };
}
