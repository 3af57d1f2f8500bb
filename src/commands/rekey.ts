import { rootCause } from '../common/errors.js';
import { openVault } from '../common/vault.js';
import type { Vault } from '../common/vault.js';
import { readConfig } from '../config.js';
import { openDatabase } from '../database/database.js';
import type { Database } from '../database/database.js';
import { ProcessRepository } from '../health/process.repository.js';
import { sealedValues } from '../database/sealed.js';
import { SEALED_COLUMNS } from './sealed-columns.js';
import { recordCommand } from './recorded.js';
import type { Command } from './command.js';

/**
 * Puts every stored secret under MASTER_KEY, while processes run that have both keys. A value that a process writes
 * under the other key meanwhile is found by the next run, so the other key is needed until no process seals with it.
 */
export const rekey: Command = async (say) => {
  const config = readConfig();
  const database = await openDatabase(config);
  try {
    const vault = openVault(config, true);
    // Before the values: a process that seals with the other key may write one behind the look at it.
    const behind = await new ProcessRepository(database).withOtherKey(vault.keyId);
    const { changed, failed } = await putUnder(vault, database, say);
    await recordCommand(database, say, 'rekey', { key: vault.keyId, changed, failed, behind: behind.length });
    say(`Stored secrets put under MASTER_KEY (key ${vault.keyId}): ${changed}`);
    for (const { name, host, seenAt } of behind)
      say(`${name} on ${host} still seals under another key (seen ${seenAt.toISOString()})`);
    if (failed > 0) say(`Stored secrets that open under neither key, and have to be entered anew: ${failed}`);
    if (behind.length > 0) say('Start these processes with the new MASTER_KEY, then run this command again');
    if (failed + behind.length > 0) return 1;
    say('Every stored secret is under MASTER_KEY: MASTER_KEY_PREVIOUS is no longer needed');
    return 0;
  } finally {
    await database.close();
  }
};

async function putUnder(
  vault: Vault,
  database: Database,
  say: (line: string) => void,
): Promise<{ changed: number; failed: number }> {
  const done = { changed: 0, failed: 0 };
  for (const column of SEALED_COLUMNS)
    for await (const { context, value, replace } of sealedValues(database, column)) {
      let other: Buffer | null = null;
      try {
        other = vault.reseal(value, context);
      } catch (error) {
        done.failed++;
        say(rootCause(error));
      }
      if (other && (await replace(other))) done.changed++;
    }
  return done;
}
