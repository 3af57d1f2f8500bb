import type { CliCommand, Values } from './command.js';
import { EXIT, UsageError, readJson } from './command.js';
import { safe } from './text.js';

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
/** Other paths are below the application. */
const WHOLE = /^\/(?:imfpush|mfp|mfpadmin)\//;

/** Any call of the API document; prints the answer. */
export const call: CliCommand = async ({ words, values, carillon, terminal }) => {
  const [method, path] = words as [string, string];
  if (!METHODS.has(method)) throw new UsageError(`The method is one of ${[...METHODS].join(', ')}`);
  if (!path.startsWith('/')) throw new UsageError('The path begins with a slash, as /campaigns');
  const whole = WHOLE.test(path) ? path : `/imfpush/v1/apps/{applicationId}${path}`;
  const body = bodyOf(values);
  // The types are those of the document, and a person has typed this path.
  const answer: unknown = await carillon().request(method.toLowerCase() as never, whole as never, { body } as never);
  if (answer === undefined) terminal.note('done');
  else if (terminal.isJson) await terminal.print(JSON.stringify(answer));
  else for (const line of JSON.stringify(answer, null, 2).split('\n')) await terminal.print(safe(line));
  return EXIT.done;
};

function bodyOf({ data, file }: Values): unknown {
  if (data === undefined) return file === undefined ? undefined : readJson(file as string);
  if (file !== undefined) throw new UsageError('--data and --file are two bodies: leave one out');
  try {
    return JSON.parse(data as string);
  } catch (error) {
    throw new UsageError(`--data has no JSON: ${(error as Error).message}`);
  }
}
