import { applyDecorators } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { IsArray, ValidateBy, ValidateNested, getMetadataStorage } from 'class-validator';
import { ApiError } from './errors.js';
import { isJsonObject } from './json.js';
import type { Schema } from './schema.js';

/**
 * How the fields of a DTO are read, beside their validation rules. Both are class-validator metadata, which subclasses
 * and the mapped types of @nestjs/swagger inherit.
 */
export interface Reading {
  read?: (value: unknown) => unknown;
  nested?: () => Type<object>;
  /** The knowledge of a rule of our own, for the API document (openapi-rules.ts). */
  schema?: Partial<Schema>;
}

/** No message or campaign has more; the list of clients has a thousand. Each costs some 10 µs of validation. */
const MAX_OBJECTS = 2_000;
/** The number of unknown fields that are named. */
const MAX_NAMED = 100;
const MAX_PATH = 100;

/** `read` converts the field's value before the rules check it. */
export function ReadAs(read: (value: unknown) => unknown): PropertyDecorator {
  const context: Reading = { read };
  return ValidateBy({ name: 'readAs', validator: { validate: () => true } }, { context });
}

/** An object without a class, which is kept as it is. */
export function AnyObject(message = 'it must be an object'): PropertyDecorator {
  return ValidateBy({ name: 'anyObject', validator: { validate: isJsonObject, defaultMessage: () => message } });
}

/** An object of the class `type`. */
export function Nested(type: () => Type<object>, message = 'it must be an object'): PropertyDecorator {
  const context: Reading = { nested: type };
  const rule = ValidateBy({ name: 'nested', validator: { validate: isJsonObject, defaultMessage: () => message } });
  return applyDecorators(ValidateNested({ context }), rule);
}

/** A list of objects of the class `type`. `ValidateNested({ each: true })` alone accepts null. */
export function NestedList(type: () => Type<object>, message = 'it must be a list'): PropertyDecorator {
  const context: Reading = { nested: type };
  const validate = (value: unknown): boolean => Array.isArray(value) && value.every(isJsonObject);
  const each = ValidateBy({
    name: 'eachObject',
    validator: { validate, defaultMessage: () => 'each must be an object' },
  });
  return applyDecorators(ValidateNested({ each: true, context }), each, IsArray({ message }));
}

/** An object of the class `type`, or a list of them. */
export function NestedOneOrMore(type: () => Type<object>): PropertyDecorator {
  const context: Reading = { nested: type };
  const validate = (value: unknown): boolean =>
    Array.isArray(value) ? value.every(isJsonObject) : isJsonObject(value);
  const defaultMessage = (): string => 'it must be an object or a list of objects';
  return applyDecorators(
    ValidateNested({ context }),
    ValidateBy({ name: 'oneOrMore', validator: { validate, defaultMessage } }),
  );
}

interface Field {
  reads: ((value: unknown) => unknown)[];
  nested?: Type<object>;
}

const known = new Map<Type<object>, ReadonlyMap<string, Field>>();

/** The fields of a DTO by name: every property with a rule. */
export function fieldsOf(type: Type<object>): ReadonlyMap<string, Field> {
  const remembered = known.get(type);
  if (remembered) return remembered;
  const fields = new Map<string, Field>();
  for (const { propertyName, context } of getMetadataStorage().getTargetValidationMetadatas(type, '', false, false)) {
    const { read, nested } = (context ?? {}) as Reading;
    const field = fields.get(propertyName) ?? { reads: [] };
    if (read) field.reads.push(read);
    if (nested) field.nested = nested();
    fields.set(propertyName, field);
  }
  known.set(type, fields);
  return fields;
}

/**
 * An instance of `type` and of the nested classes, with their known fields. Objects without a class are kept as they
 * are. `unknown`: the paths of other fields, at most a hundred. Throws FPWSE0004E for too many objects.
 */
export function toInstance<T extends object>(type: Type<T>, plain: object): { value: T; unknown: string[] } {
  const unknown: string[] = [];
  let objects = 0;
  const make = (of: Type<object>, from: object, path: string): object => {
    if (++objects > MAX_OBJECTS)
      throw new ApiError('FPWSE0004E', `The body has more than ${MAX_OBJECTS} objects of known fields.`);
    const instance = new of() as Record<string, unknown>;
    const fields = fieldsOf(of);
    for (const [name, given] of Object.entries(from) as [string, unknown][]) {
      const field = fields.get(name);
      if (field) instance[name] = nest(field.nested, readField(field, given), `${path}${name}.`);
      else if (unknown.length < MAX_NAMED) unknown.push(`${path}${name}`.slice(0, MAX_PATH));
    }
    return instance;
  };
  const nest = (of: Type<object> | undefined, value: unknown, path: string): unknown => {
    if (of === undefined) return value;
    if (Array.isArray(value))
      return value.map((each: unknown, index) => (isJsonObject(each) ? make(of, each, `${path}${index}.`) : each));
    return isJsonObject(value) ? make(of, value, path) : value;
  };
  return { value: make(type, plain, '') as T, unknown };
}

function readField({ reads }: Field, given: unknown): unknown {
  let value = given;
  for (const read of reads) value = read(value);
  return value;
}

/** Omits fields that are undefined or null: callers' serialisers write null for omitted fields. */
export function givenFields<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)) as T;
}

/** Like givenFields, also in nested instances. Objects without a class are the caller's and stay unchanged. */
export function toPlain<T extends object>(instance: T): T {
  const fields = Object.entries(givenFields(instance)).map(([name, value]: [string, unknown]) => [
    name,
    Array.isArray(value) ? value.map(plainOf) : plainOf(value),
  ]);
  return Object.fromEntries(fields) as T;
}

function plainOf(value: unknown): unknown {
  return isJsonObject(value) && known.has(value.constructor as Type<object>) ? toPlain(value) : value;
}
