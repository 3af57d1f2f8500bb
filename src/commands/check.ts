import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { rootCause } from '../common/errors.js';
import { StartError, isTold } from '../common/start-error.js';
import { openVault } from '../common/vault.js';
import { readConfig } from '../config.js';
import type { Config } from '../config.js';
import { inspectDatabase } from '../database/database.js';
import type { Inspected } from '../database/database.js';
import { sealedValues } from '../database/sealed.js';
import { SystemRepository } from '../health/system.repository.js';
import { openRedis } from '../queue/redis.js';
import type { Command } from './command.js';
import { SEALED_COLUMNS } from './sealed-columns.js';

/** The outcome of one check; `warning` does not fail the command. */
type Say = (kind: 'ok' | 'warning' | 'FAILED', what: string, text: string) => void;

/**
 * Looks at the settings, the database, its migrations, the queue, the master key and the ends of credentials. Changes
 * nothing, and makes no folder. Exit code 1 if a start would fail or stored secrets do not open.
 */
export const check: Command = async (write) => {
  let isFit = true;
  const say: Say = (kind, what, text) => {
    isFit &&= kind !== 'FAILED';
    write(`${kind.padEnd(8)} ${what.padEnd(12)} ${text}`);
  };
  const attempt = async (what: string, work: () => Promise<string | undefined>): Promise<void> => {
    try {
      const text = await work();
      if (text !== undefined) say('ok', what, text);
    } catch (error) {
      say('FAILED', what, isTold(error) ? error.message : rootCause(error));
    }
  };
  let config: Config | undefined;
  await attempt('settings', async () => {
    config = readConfig();
    return `${config.environment}, roles ${[...config.roles].join(', ')}`;
  });
  if (!config) return 1;
  const { databaseUrl, queueUrl, queuePrefix, dataDir } = config;
  if (databaseUrl) await attempt('database', () => checkDatabase(config!, databaseUrl, say, attempt));
  else await attempt('database', () => Promise.resolve(describeFolder(resolve(dataDir))));
  if (queueUrl)
    await attempt('queue', async () => {
      const queue = await openRedis(queueUrl, queuePrefix);
      await queue.close();
      return queue.place;
    });
  else say('ok', 'queue', 'in the database');
  return isFit ? 0 : 1;
};

/**
 * A running server has the embedded database to itself, and a start would make it, or its folder. Throws StartError if
 * this user may not.
 */
function describeFolder(folder: string): string {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StartError(`DATA_DIR ${folder} cannot be written`, error);
  }
  const isThere = existsSync(join(folder, 'postgres'));
  return isThere ? `embedded, in ${folder}` : `embedded, the first start makes it in ${folder}`;
}

async function checkDatabase(
  config: Config,
  url: string,
  say: Say,
  attempt: (what: string, work: () => Promise<string | undefined>) => Promise<void>,
): Promise<string> {
  const database = await inspectDatabase(url);
  try {
    const { pending, place } = database;
    say('ok', 'migrations', pending.length === 0 ? 'none is missing' : `missing: ${pending.join(', ')}`);
    if (pending.length === 0) {
      await attempt('master key', () => checkKey(config, database));
      await attempt('credentials', () => checkCredentials(database, say));
    }
    return place;
  } finally {
    await database.close();
  }
}

async function checkKey(config: Config, database: Inspected): Promise<string> {
  const vault = openVault(config, true);
  let count = 0;
  for (const column of SEALED_COLUMNS)
    for await (const { context, value } of sealedValues(database, column)) {
      vault.open(value, context);
      count++;
    }
  return `${vault.keyId}, opens all stored secrets (${count})`;
}

async function checkCredentials(database: Inspected, say: Say): Promise<string | undefined> {
  const ending = await new SystemRepository(database).endingCredentials();
  for (const { applicationId, provider, endsAt } of ending)
    say('warning', 'credentials', `${applicationId}: ${provider} ends on ${endsAt.toISOString()}`);
  return ending.length === 0 ? 'none ends soon' : undefined;
}
