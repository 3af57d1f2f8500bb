import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import type { CliCommand } from './command.js';
import { EXIT, UsageError } from './command.js';
import { importFile } from './import.js';

export const devices: CliCommand = async (asked) => {
  const [action, file] = asked.words;
  if (action === 'import' && file !== undefined) return importFile(file, asked);
  if (action === 'export') return exportTo(file, asked);
  throw new UsageError('Usage: carillon devices import FILE | export [FILE]');
};

/** A file appears when it is whole; stdout ends with the trailer only if it is. */
const exportTo = async (
  file: string | undefined,
  { carillon, terminal }: Parameters<CliCommand>[0],
): Promise<number> => {
  const part = file === undefined ? undefined : `${file}.part`;
  const out = part === undefined ? undefined : openSync(part, 'w', 0o600);
  const write = async (line: string): Promise<void> =>
    out === undefined ? terminal.print(line) : void writeSync(out, `${line}\n`);
  let count = 0;
  try {
    for await (const line of carillon().devices.export()) {
      await write(line);
      if (++count % 1_000 === 0 && out !== undefined) terminal.progress(`${count} devices`);
    }
    await write(JSON.stringify({ trailer: { count } }));
    if (out !== undefined) fsyncSync(out);
  } catch (error) {
    if (part !== undefined) unlinkSync(part);
    throw error;
  } finally {
    if (out !== undefined) closeSync(out);
  }
  if (part !== undefined) {
    renameSync(part, file!);
    await terminal.show({ devices: count, file }, [{ devices: count, file }]);
  }
  return EXIT.done;
};
