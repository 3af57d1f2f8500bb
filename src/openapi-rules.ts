import type { Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { getMetadataStorage } from 'class-validator';
import { BodyPipe, StrictBodyPipe } from './common/body.js';
import { fieldsOf } from './common/fields.js';
import type { Reading } from './common/fields.js';
import { WITH_SCHEMA } from './common/schema.js';
import type { Schema, Schemas } from './common/schema.js';

/**
 * The validation rules of the bodies are written into their schemas: types, bounds, patterns, and that the body has no
 * other fields. So each rule is written once, as a decorator.
 */

/** Metadata of @nestjs/swagger, which exports no names for it. */
const PARAMETERS = 'swagger/apiParameters';
const PROPERTIES = 'swagger/apiModelPropertiesArray';
const PROPERTY = 'swagger/apiModelProperties';
const EXTRA_MODELS = 'swagger/apiExtraModels';

/** By the rule's name in class-validator: the part of the schema that it stands for. */
const PARTS: Readonly<Record<string, (...limits: never[]) => Partial<Schema>>> = {
  isString: () => ({ type: 'string' }),
  isBoolean: () => ({ type: 'boolean' }),
  isNumber: () => ({ type: 'number' }),
  isInt: () => ({ type: 'integer' }),
  min: (minimum: number) => ({ minimum }),
  max: (maximum: number) => ({ maximum }),
  isLength: (minLength: number, maxLength: number) => ({ minLength, maxLength }),
  maxLength: (maxLength: number) => ({ maxLength }),
  matches: ({ source }: RegExp) => ({ pattern: source }),
  arrayNotEmpty: () => ({ minItems: 1 }),
  arrayMaxSize: (maxItems: number) => ({ maxItems }),
  isIn: (values: readonly unknown[]) => ({
    enum: [...values],
    ...(values.every(Number.isInteger) && { type: 'integer' }),
  }),
};

type Use = 'strict' | 'lenient';

/** `schemas`: the components of the document, by the names of the classes. */
export function addRules(app: NestFastifyApplication, schemas: Schemas): void {
  const uses = new Map<Type<object>, Set<Use>>();
  for (const [type, use] of bodiesOf(app)) gather(type, use, uses);
  for (const [type, found] of uses) {
    const schema = schemas[type.name];
    if (!schema || '$ref' in schema) continue;
    refine(type, schema);
    if (!found.has('lenient')) schema.additionalProperties = false;
    Object.assign(schema, Reflect.getMetadata(WITH_SCHEMA, type));
  }
}

function refine(type: Type<object>, { properties = {} }: Schema): void {
  for (const rule of getMetadataStorage().getTargetValidationMetadatas(type, '', false, false)) {
    const property = properties[rule.propertyName];
    if (!property || '$ref' in property || property.allOf) continue;
    const told = (rule.context as Reading | undefined)?.schema;
    const part = told ?? PARTS[rule.name ?? '']?.(...((rule.constraints ?? []) as never[]));
    const subject = rule.each ? property.items : property;
    if (part && subject && !('$ref' in subject)) Object.assign(subject, part);
  }
}

/** The class of each body, and whether the route refuses unknown fields. */
function* bodiesOf(app: NestFastifyApplication): Generator<[Type<object>, Use]> {
  for (const { controllers } of app.get(ModulesContainer).values())
    for (const { metatype } of controllers.values()) {
      const methods = (metatype as Type<object>).prototype as Record<string, object>;
      for (const name of Object.getOwnPropertyNames(methods)) {
        const piped = [...pipesOf(metatype as Type<object>, name)];
        for (const pipe of piped) yield [pipe.type, pipe instanceof StrictBodyPipe ? 'strict' : 'lenient'];
        // Bodies that the route parses itself are named by @ApiBody.
        if (piped.length === 0 && typeof methods[name] === 'function')
          for (const type of namedBodies(methods[name])) yield [type, 'lenient'];
      }
    }
}

function* pipesOf(controller: Type<object>, method: string): Generator<BodyPipe<object> | StrictBodyPipe<object>> {
  const kinds = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as Record<
    string,
    { pipes?: unknown[] }
  >;
  for (const pipe of Object.values(kinds).flatMap(({ pipes = [] }) => pipes))
    if (pipe instanceof BodyPipe || pipe instanceof StrictBodyPipe) yield pipe;
}

function namedBodies(method: object): Type<object>[] {
  const given = (Reflect.getMetadata(PARAMETERS, method) ?? []) as { in?: string; type?: unknown }[];
  return given.flatMap((each) => (each.in === 'body' ? classesOf(each.type) : []));
}

function gather(type: Type<object>, use: Use, uses: Map<Type<object>, Set<Use>>): void {
  const found = uses.get(type) ?? new Set();
  if (found.has(use)) return;
  uses.set(type, found.add(use));
  const prototype = type.prototype as object;
  for (const key of (Reflect.getMetadata(PROPERTIES, prototype) ?? []) as string[]) {
    const property = Reflect.getMetadata(PROPERTY, prototype, key.slice(1)) as { type?: unknown } | undefined;
    // Objects that are kept as they are have no rules of their own.
    const isRead = fieldsOf(type).get(key.slice(1))?.nested !== undefined;
    for (const nested of classesOf(property?.type)) gather(nested, isRead ? use : 'lenient', uses);
  }
  for (const extra of (Reflect.getMetadata(EXTRA_MODELS, type) ?? []) as Type<object>[]) gather(extra, 'lenient', uses);
}

/** A class, a list of one, or a function that returns either; a lazy function is named after its property. */
function classesOf(type: unknown): Type<object>[] {
  if (Array.isArray(type)) return type.flatMap(classesOf);
  if (typeof type !== 'function' || [String, Number, Boolean, Object, Array, Date].some((each) => each === type))
    return [];
  if (type.name === 'type') return classesOf((type as () => unknown)());
  return [type as Type<object>];
}
