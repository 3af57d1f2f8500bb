import { StartError } from '../common/start-error.js';
import { readStores } from '../config.js';
import { readBackup } from '../database/embedded/backup.js';
import { makeEmbedded } from '../database/embedded/embedded.js';
import { describeOpen, silence } from '../database/transfer.js';
import { recordCommand } from './recorded.js';
import type { Command } from './command.js';

/** Makes an embedded database from a backup. With `--stopped` nothing is sent or posted until a person says so. */
export const restore: Command = async (say, [file = '', stopped]) => {
  const { databaseUrl, dataDir } = readStores();
  if (databaseUrl !== undefined)
    throw new StartError('restore is for the embedded database: use pg_restore for DATABASE_URL');
  const { at, open } = await makeEmbedded(dataDir, async (opened) => {
    const made = await readBackup(file, opened);
    if (stopped) await silence(opened.pool);
    await recordCommand(opened, say, 'restore', { file, madeAt: made, stopped: stopped !== undefined });
    return { at: made, open: await describeOpen(opened.pool) };
  });
  say(`${file}, made at ${at}, is restored to ${dataDir}`);
  say(stopped ? `Stopped until an application is enabled: ${open}` : `The next start goes on with: ${open}`);
  if (stopped) say('Webhooks are disabled: POST …/webhooks/{name}/replay enables one, and posts its events');
  return 0;
};
