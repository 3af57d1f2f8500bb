import { parseArgs } from 'node:util';
import { Carillon } from '../client/client.js';
import { UsageError, EXIT } from './command.js';
import type { Values } from './command.js';
import { CLI, COMMON } from './commands.js';
import type { Entry, Option } from './commands.js';
import { ENVIRONMENT } from './environment.js';
import { readLogin, readSecret } from './login-file.js';
import { Terminal } from './terminal.js';

/** Runs a command against a server; returns the exit code. */
export async function runCli(name: string, args: readonly string[]): Promise<number> {
  // The reader has left, as `head` does: nothing more to say.
  process.stdout.on('error', () => process.exit(141));
  const entry = CLI[name]!;
  const terminal = new Terminal(args.includes('--json'));
  try {
    const { words, values } = parse(name, entry, args);
    if (values.help === true) {
      await terminal.print(helpOf(name, entry));
      return EXIT.done;
    }
    const run = await entry.load();
    return await run({ words, values, terminal, carillon: () => connect(values, entry.scope) });
  } catch (error) {
    terminal.fail(error);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

function parse(name: string, { words, options }: Entry, args: readonly string[]): { words: string[]; values: Values } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: toParser({ ...options, ...COMMON }),
      allowPositionals: true,
    });
    const fewest = words.filter((word) => !word.startsWith('[')).length;
    const isHelp = values.help === true;
    if (!isHelp && (positionals.length < fewest || positionals.length > words.length))
      throw new UsageError(`Usage: carillon ${usageOf(name, words)}`);
    return { words: positionals, values: values as Values };
  } catch (error) {
    // Of parseArgs: an unknown option, a value that is missing, or one that begins with a dash.
    if (error instanceof TypeError && 'code' in error) throw new UsageError(error.message.replaceAll('\n', ' '));
    throw error;
  }
}

type ParserOption = { type: 'string' | 'boolean'; short?: string; multiple?: boolean };

function toParser(options: Readonly<Record<string, Option>>): Record<string, ParserOption> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple = false }]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  );
}

/** Options come before variables, and variables before the login. */
export function connect(values: Values, usualScope: string): Carillon {
  const login = readLogin();
  const scope = (values.scope as string | undefined) ?? usualScope;
  const pick = (option: string, variable: string | undefined, kept: string | undefined): string => {
    const value = (values[option] as string | undefined) ?? variable ?? kept;
    if (value === undefined || value === '') throw new UsageError(`--${option} is missing, and there is no login`);
    return value;
  };
  const application = pick('app', ENVIRONMENT.app, login?.application);
  const file = values['secret-file'] as string | undefined;
  const secret = file === undefined ? (ENVIRONMENT.secret ?? login?.clientSecret) : readSecret(file);
  if (secret === undefined) throw new UsageError('--secret-file is missing, and there is no login');
  const isRole = scope === 'mfpadmin';
  try {
    return new Carillon({
      url: pick('url', ENVIRONMENT.url, login?.url),
      application,
      clientId: pick('client', ENVIRONMENT.client, login?.clientId),
      clientSecret: secret,
      scope: isRole ? scope : `${scope} push.application.${application}`,
    });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`--url: ${error.message}`);
    throw error;
  }
}

function usageOf(name: string, words: readonly string[]): string {
  return [name, ...words, '[options]'].join(' ');
}

function helpOf(name: string, { summary, words, options }: Entry): string {
  const all = Object.entries({ ...options, ...COMMON }).map(([option, { short, value, text }]) => {
    const named = `--${option}${value === undefined ? '' : ` ${value}`}`;
    return [`${short === undefined ? '    ' : `-${short}, `}${named}`, text] as const;
  });
  const width = Math.max(...all.map(([named]) => named.length));
  const lines = all.map(([named, text]) => `  ${named.padEnd(width)}  ${text}`);
  return [`Usage: carillon ${usageOf(name, words)}`, '', `${summary}.`, '', ...lines].join('\n');
}
