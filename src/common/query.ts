import { ApiError, invalidValue, printable } from './errors.js';

/**
 * A query string as Fastify reads it. Documented routes ignore parameters that they do not know
 * (docs/protocol/mobilefirst.md §9.1).
 */
export type Query = Readonly<Record<string, string | string[] | undefined>>;

const LARGEST_PAGE = 1_000;

/**
 * Reads the whole query of a route of our own. Unknown parameters are refused, because ignoring a misspelt filter would
 * give a wrong answer. Throws FPWSE0007E for an unknown parameter, FPWSE0005E for a repeated one.
 */
export function readQuery<Name extends string>(query: Query, known: readonly Name[]): Partial<Record<Name, string>> {
  const read: Partial<Record<Name, string>> = {};
  for (const name of Object.keys(query)) {
    if (!(known as readonly string[]).includes(name))
      throw new ApiError('FPWSE0007E', `Unknown query parameter '${printable(name)}'. Known are: ${known.join(', ')}.`);
    read[name as Name] = readOnce(query, name);
  }
  return read;
}

/** Undefined if absent or empty. Throws FPWSE0005E if repeated. */
export function readText(query: Query, name: string): string | undefined {
  return readOnce(query, name) || undefined;
}

/** All values of a parameter that may be repeated. */
export function readTexts(query: Query, name: string): string[] {
  return [query[name] ?? []].flat();
}

/** Throws FPWSE0005E for a word other than true and false. */
export function readBoolean(query: Query, name: string, fallback: boolean): boolean {
  const word = readWord(name, readText(query, name)?.toLowerCase(), ['true', 'false']);
  return word === undefined ? fallback : word === 'true';
}

/** Throws FPWSE0005E with the parameter's name. */
export function readWord<Word extends string>(
  name: string,
  text: string | undefined,
  words: readonly Word[],
): Word | undefined {
  if (text === undefined) return undefined;
  const word = words.find((each) => each === text);
  if (word === undefined) throw invalidValue(name, `it must be one of ${words.join(', ')}`);
  return word;
}

/** Throws FPWSE1080E below 1, FPWSE0005E if it is not a whole number of at most a thousand. */
export function readSize(text: string | undefined, fallback: number, name = 'size'): number {
  if (text === undefined) return fallback;
  if (!/^-?\d{1,9}$/.test(text)) throw invalidValue(name, 'it must be a whole number');
  const size = Number(text);
  if (size < 1) throw new ApiError('FPWSE1080E', `Check the '${name}' parameter value: it must be greater than 0.`);
  if (size > LARGEST_PAGE) throw invalidValue(name, `it must be at most ${LARGEST_PAGE}`);
  return size;
}

/** Encodes a place in a list: up to three whole numbers, opaque to callers. */
export function writePlace(...numbers: number[]): string {
  return Buffer.from(numbers.join('.')).toString('base64url');
}

/** Throws FPWSE0005E if the text was not written by writePlace. */
export function readPlace(text: string): [number, number, number] {
  const place = Buffer.from(text, 'base64url').toString();
  if (!/^\d{1,15}(?:\.\d{1,15}){0,2}$/.test(place)) throw invalidValue('after', 'it must be the next of a page');
  const [first = 0, second = 0, third = 0] = place.split('.').map(Number);
  return [first, second, third];
}

function readOnce(query: Query, name: string): string | undefined {
  const value = query[name];
  if (Array.isArray(value)) throw invalidValue(name, 'it must be given once');
  return value;
}
