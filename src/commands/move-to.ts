import { StartError } from '../common/start-error.js';
import { readStores } from '../config.js';
import { openEmbedded } from '../database/embedded/embedded.js';
import { openPostgres } from '../database/postgres.js';
import { moveRows } from '../database/transfer.js';
import { AddressError } from '../server-url.js';
import { recordCommand } from './recorded.js';
import type { Command } from './command.js';

/** Copies an embedded installation, which must be stopped, to an empty database of a server. */
export const moveTo: Command = async (say, [url = '']) => {
  const { databaseUrl, dataDir } = readStores();
  if (databaseUrl !== undefined)
    throw new StartError('move-to starts from the embedded database: leave DATABASE_URL out');
  const to = await openPostgres(url).catch((error: unknown) => {
    throw error instanceof AddressError ? new StartError(`The address ${error.message}`) : error;
  });
  try {
    const from = await openEmbedded(dataDir);
    try {
      const rows = await moveRows(from, to);
      for (const each of [from, to])
        await recordCommand(each, say, 'move_to', { rows, from: from.place, to: to.place });
      say(`${rows} rows of ${from.place} were moved to ${to.place} and compared`);
      say(
        'Start with DATABASE_URL and the same MASTER_KEY (without MASTER_KEY: the content of master.key in DATA_DIR)',
      );
      return 0;
    } finally {
      await from.close();
    }
  } finally {
    await to.close();
  }
};
