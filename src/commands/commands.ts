import type { Command } from './command.js';

interface Entry {
  summary: string;
  /** Loaded when it runs: `--help` needs none of them. */
  load: () => Promise<Command>;
}

/** The commands for operators; without a command the server starts. */
const COMMANDS: Readonly<Record<string, Entry>> = {
  check: {
    summary: 'look at settings, database, queue, master key and credentials, and change nothing',
    load: async () => (await import('./check.js')).check,
  },
  migrate: {
    summary: 'create or update the tables',
    load: async () => (await import('./migrate.js')).migrate,
  },
  rekey: {
    summary: 'put every stored secret under MASTER_KEY, after a change of the key',
    load: async () => (await import('./rekey.js')).rekey,
  },
  version: {
    summary: 'print the version',
    load: async () => {
      const { VERSION } = await import('../version.js');
      return (say) => Promise.resolve(say(VERSION)).then(() => 0);
    },
  },
  help: {
    summary: 'print this text',
    load: () => Promise.resolve((say) => Promise.resolve(say(HELP)).then(() => 0)),
  },
};

const WIDTH = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
const HELP = [
  'Usage: node dist/main.js [command]',
  '',
  `  ${'start'.padEnd(WIDTH)}  start the server, as without a command`,
  ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(WIDTH)}  ${summary}`),
  '',
  'Commands may also be written as options (--check). Settings are environment variables: docs/settings.md.',
  'Exit codes: 0 done, 1 not done or not fit, 2 unknown command.',
].join('\n');

/** Null: the server starts. Throws for a word that is no command. */
export function findCommand(args: readonly string[]): Entry | null {
  const [given = 'start', ...more] = args;
  const name = given.replace(/^--/, '');
  if (name === 'start' && more.length === 0) return null;
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : undefined;
  if (!entry) throw new UnknownCommand(`There is no command ${JSON.stringify(given)}: --help lists them`);
  if (more.length > 0) throw new UnknownCommand(`${name} takes no arguments: ${JSON.stringify(more[0])}`);
  return entry;
}

/** Exit code 2. */
export class UnknownCommand extends Error {}
