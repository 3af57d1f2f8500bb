import { StartError } from '../common/start-error.js';
import { readStores } from '../config.js';
import { writeBackup } from '../database/embedded/backup.js';
import { openBeside } from '../database/embedded/embedded.js';
import { recordCommand } from './recorded.js';
import type { Command } from './command.js';

/** Writes a backup of the embedded database, while its process works or is stopped. */
export const backup: Command = async (say, [file = '']) => {
  const { databaseUrl, dataDir } = readStores();
  if (databaseUrl !== undefined)
    throw new StartError('backup is for the embedded database: use pg_dump for DATABASE_URL');
  const opened = await openBeside(dataDir);
  try {
    const rows = await writeBackup(opened, file);
    await recordCommand(opened, say, 'backup', { rows, file });
    say(`${rows} rows of ${opened.place} are in ${file}`);
    say(
      'Keep MASTER_KEY with it (without MASTER_KEY the file master.key of DATA_DIR): the backup does not have the key',
    );
    return 0;
  } finally {
    await opened.close();
  }
};
