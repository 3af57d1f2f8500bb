import { CLI } from '../cli/commands.js';
import type { Command } from './command.js';

interface Entry {
  summary: string;
  /** Capitals stand for any argument, words in brackets may be left out, ` | ` separates ways; none: no argument. */
  usage?: string;
  /** Loaded when it runs: `--help` needs none of them. */
  load: () => Promise<Command>;
}

/** The commands for operators; without a command the server starts. */
const OPERATORS: Readonly<Record<string, Entry>> = {
  audit: {
    usage: 'verify [--checkpoint FILE] | checkpoint',
    summary: 'verify the chain of the audit, or print its end as a checkpoint',
    load: async () => (await import('./audit.js')).audit,
  },
  check: {
    summary: 'look at settings, database, queue, master key and credentials, and change nothing',
    load: async () => (await import('./check.js')).check,
  },
  migrate: {
    usage: '[--plan]',
    summary: 'create or update the tables; --plan lists the missing steps and their locks, and changes nothing',
    load: async () => (await import('./migrate.js')).migrate,
  },
  rekey: {
    summary: 'put every stored secret under MASTER_KEY, after a change of the key',
    load: async () => (await import('./rekey.js')).rekey,
  },
  backup: {
    usage: 'FILE',
    summary: 'write a backup of the embedded database, also while it is used',
    load: async () => (await import('./backup.js')).backup,
  },
  restore: {
    usage: 'FILE [--stopped]',
    summary: 'make an embedded database from a backup; --stopped: applications send nothing until they are enabled',
    load: async () => (await import('./restore.js')).restore,
  },
  'move-to': {
    usage: 'URL',
    summary: 'copy a stopped embedded installation to an empty database of PostgreSQL',
    load: async () => (await import('./move-to.js')).moveTo,
  },
  completion: {
    usage: 'bash | zsh | fish',
    summary: 'print the completion of commands and options for a shell',
    load: async () => (await import('./completion.js')).completion,
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

/** The commands against a running server; each parses its own arguments. */
const REMOTE: Readonly<Record<string, Entry>> = Object.fromEntries(
  Object.entries(CLI).map(([name, { summary }]) => [
    name,
    { summary, load: async () => asCommand(name, (await import('../cli/cli.js')).runCli) },
  ]),
);

function asCommand(name: string, run: (name: string, args: readonly string[]) => Promise<number>): Command {
  return (_say, args) => run(name, args);
}

const titleOf = (name: string, { usage }: Entry): string => (usage === undefined ? name : `${name} ${usage}`);
const WIDTH = Math.max(...Object.entries(OPERATORS).map(([name, entry]) => titleOf(name, entry).length));
const listOf = (entries: Readonly<Record<string, Entry>>): string[] =>
  Object.entries(entries).map(([name, entry]) => `  ${titleOf(name, entry).padEnd(WIDTH)}  ${entry.summary}`);
const HELP = [
  'Usage: carillon [command], or node dist/main.js [command]',
  '',
  `  ${'start'.padEnd(WIDTH)}  start the server, as without a command`,
  ...listOf(OPERATORS),
  '',
  'Against a running server (carillon COMMAND --help has the options, docs/cli.md the exit codes):',
  '',
  ...listOf(REMOTE),
  '',
  'Commands for operators may also be written as options (--check). Settings are environment variables: docs/settings.md.',
  'Exit codes: 0 done, 1 not done or not fit, 2 unknown command.',
].join('\n');

export interface Found {
  load: Entry['load'];
  args: readonly string[];
  isRemote: boolean;
}

/** Null: the server starts. Throws for a word that is no command, and for arguments that the command does not take. */
export function findCommand(args: readonly string[]): Found | null {
  const [given = 'start', ...more] = args;
  const name = given.replace(/^--/, '');
  if (name === 'start' && more.length === 0) return null;
  if (Object.hasOwn(REMOTE, name)) return { load: REMOTE[name]!.load, args: more, isRemote: true };
  const entry = Object.hasOwn(OPERATORS, name) ? OPERATORS[name]! : undefined;
  if (!entry) throw new UnknownCommand(`There is no command ${JSON.stringify(given)}: --help lists them`);
  if (entry.usage === undefined && more.length > 0)
    throw new UnknownCommand(`${name} takes no arguments: ${JSON.stringify(more[0])}`);
  if (!fits(entry.usage ?? '', more)) throw new UnknownCommand(`Usage: ${titleOf(name, entry)}`);
  return { load: entry.load, args: more, isRemote: false };
}

function fits(usage: string, args: readonly string[]): boolean {
  const given = args.map((arg) => `\0${arg}`).join('');
  const ways = usage.replaceAll('[', '(?:').replaceAll(']', ')?').split(' | ');
  const pattern = (way: string) =>
    way.replaceAll(/[\w-]+/g, (word) => `\0${/^[A-Z]+$/.test(word) ? '(?!-)[^\0]+' : word}`).replaceAll(' ', '');
  return ways.some((way) => new RegExp(`^${pattern(way)}$`).test(given));
}

/** Exit code 2. */
export class UnknownCommand extends Error {}

export interface Listed {
  name: string;
  summary: string;
  usage: string;
}

/** Every command with the form of its arguments, for the completion. */
export function listCommands(): Listed[] {
  const operators = Object.entries(OPERATORS).map(([name, { summary, usage = '' }]) => ({ name, summary, usage }));
  const remote = Object.entries(CLI).map(([name, { summary, words }]) => ({ name, summary, usage: words.join(' ') }));
  return [{ name: 'start', summary: 'start the server', usage: '' }, ...operators, ...remote];
}
