import { readFileSync } from 'node:fs';
import type { Carillon } from '../client/client.js';
import type { Terminal } from './terminal.js';

export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface Asked {
  words: readonly string[];
  values: Values;
  /** Made when it is asked for. */
  carillon: () => Carillon;
  terminal: Terminal;
}

/** Returns the exit code. */
export type CliCommand = (asked: Asked) => Promise<number>;

/** Exit codes besides those of signals, 128 and the signal's number. */
export const EXIT = { done: 0, failed: 1, usage: 2, notAllAccepted: 3, notSent: 4 } as const;

/** The command was not written as its help says. */
export class UsageError extends Error {}

/** The value of an option `--file`; `-`: stdin. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(`--file has no JSON: ${error.message}`);
    throw error;
  }
}
