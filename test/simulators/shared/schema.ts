import { isFields, type Fields } from './shape.js';

/** Published schemas of JSON bodies as data, and the check of a body against one. */

export interface ObjectKind {
  object: Readonly<Record<string, Kind>>;
  required?: readonly string[];
  /** The type of members with any other name; without it they are refused. */
  others?: Kind;
}

export type Kind =
  | keyof typeof SCALARS
  | { list: Kind }
  /** Any names, values of one kind. */
  | { map: Kind }
  | { pattern: RegExp }
  | { values: readonly (string | number)[] }
  | { from: number; to: number }
  | { either: readonly Kind[] }
  | ObjectKind;

const SCALARS = {
  any: () => true,
  string: (value: unknown) => typeof value === 'string',
  bool: (value: unknown) => typeof value === 'boolean',
  int: (value: unknown) => Number.isInteger(value),
  number: (value: unknown) => typeof value === 'number',
  timestamp: (value: unknown) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  /** Any JSON object. */
  struct: isFields,
} as const;

export interface SchemaFault {
  problem: 'unknown' | 'missing' | 'type';
  /** For an unknown or missing member, the path of its object. */
  path: string;
  name: string;
  /** The expected type. */
  kind: Kind;
  value: unknown;
}

/** The ways in which a reader of JSON is more tolerant than the schema. */
export interface Leniency {
  /** The schema's name for a member's. */
  nameOf?: (name: string) => string;
  anyCase?: boolean;
  nullIsAbsent?: boolean;
  /** Unknown members are ignored. */
  unknownIsIgnored?: boolean;
}

/** The first place where a value violates the schema; null if it is valid. */
export function findSchemaFault(value: unknown, kind: Kind, leniency: Leniency = {}, path = ''): SchemaFault | null {
  if (typeof kind === 'object') {
    if ('object' in kind && isFields(value)) return findFieldFault(value, kind, leniency, path);
    if ('map' in kind && isFields(value)) return findItemFault(value, kind.map, leniency, path);
  }
  return isOfKind(value, kind, leniency) ? null : { problem: 'type', path, name: '', kind, value };
}

function isOfKind(value: unknown, kind: Kind, leniency: Leniency): boolean {
  if (typeof kind === 'string') return SCALARS[kind](value);
  if ('pattern' in kind) return typeof value === 'string' && kind.pattern.test(value);
  if ('from' in kind) return typeof value === 'number' && value >= kind.from && value <= kind.to;
  if ('either' in kind) return kind.either.some((each) => !findSchemaFault(value, each, leniency));
  if ('list' in kind) return Array.isArray(value) && value.every((item) => !findSchemaFault(item, kind.list, leniency));
  if (!('values' in kind)) return false;
  const word = leniency.anyCase && typeof value === 'string' ? value.toUpperCase() : value;
  return kind.values.includes(word as string);
}

/** Faults of a map, whose entries are named like protobuf's. */
function findItemFault(fields: Fields, kind: Kind, leniency: Leniency, path: string): SchemaFault | null {
  let index = 0;
  for (const name in fields) {
    const value = fields[name];
    const fault = isOfKind(value, kind, leniency) ? null : findSchemaFault(value, kind, leniency);
    if (fault) return { ...fault, path: `${path}[${index}].value` };
    index += 1;
  }
  return null;
}

function findFieldFault(fields: Fields, kind: ObjectKind, leniency: Leniency, path: string): SchemaFault | null {
  for (const name in fields) {
    const value = fields[name];
    const known = Object.hasOwn(kind.object, name) ? name : (leniency.nameOf?.(name) ?? name);
    const member = Object.hasOwn(kind.object, known) ? kind.object[known] : kind.others;
    if (member === undefined) {
      if (leniency.unknownIsIgnored) continue;
      return { problem: 'unknown', path, name, kind, value };
    }
    if (value === null && leniency.nullIsAbsent) continue;
    const fault = findSchemaFault(value, member, leniency, path === '' ? name : `${path}.${name}`);
    if (fault) return fault;
  }
  const missing = kind.required?.find((name) => !isThere(fields, name, leniency));
  return missing === undefined ? null : { problem: 'missing', path, name: missing, kind, value: undefined };
}

function isThere(fields: Fields, wanted: string, { nameOf, nullIsAbsent }: Leniency): boolean {
  return Object.entries(fields).some(
    ([name, value]) => (name === wanted || nameOf?.(name) === wanted) && !(value === null && nullIsAbsent),
  );
}
