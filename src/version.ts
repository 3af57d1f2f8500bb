import { readFileSync } from 'node:fs';

/** package.json is beside `src` and beside `dist`. */
const PACKAGE = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

/** The version of this program. */
export const VERSION = PACKAGE.version;
