import { invalidValue } from './errors.js';

/** A query string as Fastify reads it. Parameters that a route does not know are left alone (mobilefirst.md §9.1). */
export type Query = Readonly<Record<string, string | string[] | undefined>>;

/** Undefined when it is absent or empty. Throws FPWSE0005E when it is given twice. */
export function readText(query: Query, name: string): string | undefined {
  const value = query[name];
  if (Array.isArray(value)) throw invalidValue(name, 'it is given more than once');
  return value || undefined;
}

/** However often it is given. */
export function readTexts(query: Query, name: string): string[] {
  return [query[name] ?? []].flat();
}

/** Throws FPWSE0005E for another word than true and false. */
export function readBoolean(query: Query, name: string, fallback: boolean): boolean {
  const text = readText(query, name);
  if (text === undefined) return fallback;
  const word = text.toLowerCase();
  if (word !== 'true' && word !== 'false') throw invalidValue(name, 'it must be true or false');
  return word === 'true';
}
