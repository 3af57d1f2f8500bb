import { homedir } from 'node:os';
import { join } from 'node:path';

/** Variables of the commands against a server; the server's own settings are read in config.ts. */
export const ENVIRONMENT = {
  url: process.env.CARILLON_URL,
  app: process.env.CARILLON_APP,
  client: process.env.CARILLON_CLIENT,
  secret: process.env.CARILLON_SECRET,
  isDumb: process.env.TERM === 'dumb',
  folder: join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'carillon'),
};
