import type { PipeTransform, Type } from '@nestjs/common';
import { getMetadataStorage, validateSync } from 'class-validator';
import type { ValidationError } from 'class-validator';
import { ApiError, invalidValue, wrongContentType } from './errors.js';
import { toInstance } from './fields.js';
import { MAX_DEPTH } from './json-bounds.js';
import { isJsonObject, readJson } from './json.js';
import { rememberRules } from './validation-rules.js';

rememberRules(getMetadataStorage());

/** The body of a JSON route as an instance of `type`. Unknown fields are dropped. */
export class BodyPipe<T extends object> implements PipeTransform<unknown, T> {
  constructor(readonly type: Type<T>) {}

  transform(body: unknown): T {
    // Fastify parses only application/json; a body of another type arrives as text.
    if (typeof body === 'string') throw wrongContentType();
    return checkBody(this.type, body).value;
  }
}

/**
 * Like BodyPipe, but refuses unknown fields: where an omitted field means "no change", a misspelt name would stay
 * unnoticed. `optional`: a missing body is an empty object. `passes`: fields of the answer that a caller may send back;
 * they change nothing.
 */
export class StrictBodyPipe<T extends object> implements PipeTransform<unknown, T> {
  constructor(
    readonly type: Type<T>,
    private readonly options: { optional?: boolean; passes?: readonly string[] } = {},
  ) {}

  transform(body: unknown): T {
    if (typeof body === 'string' && body !== '') throw wrongContentType();
    return checkKnownBody(this.type, this.options.optional ? (body ?? {}) : body, this.options.passes);
  }
}

/** Parses JSON of any content type, whose bounds (json-bounds.ts) were checked as bytes. Throws FPWSE0004E. */
export function parseJson(body: unknown, what = 'body'): unknown {
  if (typeof body !== 'string') return body;
  try {
    return readJson(body);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError('FPWSE0004E', `The ${what} is not valid JSON.`);
  }
}

/**
 * Validates by the class-validator rules of `type`. Returns the instance and the paths of unknown fields, which the
 * instance does not have.
 * Throws FPWSE0004E if the body is not an object, FPWSE0005E with the first wrong field and the reason.
 */
export function checkBody<T extends object>(type: Type<T>, body: unknown): { value: T; unknown: string[] } {
  if (body === undefined || body === null || body === '') throw new ApiError('FPWSE0004E', 'A JSON body is required.');
  if (!isJsonObject(body)) throw new ApiError('FPWSE0004E', 'The body must be a JSON object.');
  checkStorable(body);
  const { value, unknown } = toInstance(type, body);
  const [first] = flatten(validateSync(value, { forbidUnknownValues: false }));
  if (first) throw invalidValue(first.path, first.reason);
  return { value, unknown };
}

/** As checkBody, and throws FPWSE0005E for the first unknown field that is not in `passes`. */
export function checkKnownBody<T extends object>(type: Type<T>, body: unknown, passes: readonly string[] = []): T {
  const { value, unknown } = checkBody(type, body);
  const wrong = unknown.find((path) => !passes.includes(path));
  if (wrong !== undefined) throw invalidValue(wrong, 'there is no such field');
  return value;
}

/** PostgreSQL stores neither NUL nor an unpaired surrogate, and providers refuse them. Throws FPWSE0004E. */
export function checkStorable(value: unknown, levels: number = MAX_DEPTH): void {
  if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed()))
    throw new ApiError('FPWSE0004E', 'The body contains a NUL character or an unpaired surrogate.');
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) throw new ApiError('FPWSE0004E', `The body is nested deeper than ${MAX_DEPTH} levels.`);
  for (const [key, inner] of Object.entries(value)) {
    // Assigning `__proto__` replaces an object's prototype; `constructor` is a function of every object.
    if (key === 'constructor' || key === '__proto__')
      throw new ApiError('FPWSE0004E', `The body contains the reserved key '${key}'.`);
    checkStorable(key, levels);
    checkStorable(inner, levels - 1);
  }
}

function* flatten(errors: readonly ValidationError[], prefix = ''): Generator<{ path: string; reason: string }> {
  for (const error of errors) {
    const path = prefix ? `${prefix}.${error.property}` : error.property;
    // Decorators run from the bottom up; report the first one in the source, which checks the type.
    for (const [constraint, reason] of Object.entries(error.constraints ?? {}).toReversed())
      // The library's text for a nested value that is not an object; the rule `nested` has a better one.
      if (constraint !== 'nestedValidation') yield { path, reason };
    yield* flatten(error.children ?? [], path);
  }
}
