import type { PipeTransform, Type } from '@nestjs/common';
import { getMetadataStorage, validateSync } from 'class-validator';
import type { ValidationError } from 'class-validator';
import { ApiError, invalidValue, wrongContentType } from './errors.js';
import { toInstance } from './fields.js';
import { MAX_DEPTH, checkBounds } from './json-bounds.js';
import { isJsonObject, readJson } from './json.js';
import { rememberRules } from './validation-rules.js';

rememberRules(getMetadataStorage());

/** The body of a JSON route as an instance of `type`. Fields it does not know are dropped. */
export class BodyPipe<T extends object> implements PipeTransform<unknown, T> {
  constructor(private readonly type: Type<T>) {}

  transform(body: unknown): T {
    // Only application/json is parsed on the way in; any other type arrives as text.
    if (typeof body === 'string') throw wrongContentType();
    return checkBody(this.type, body).value;
  }
}

/**
 * As BodyPipe, but a field that `type` does not know is refused: where nothing said means nothing changed, a misspelt
 * word would go unnoticed. `optional`: no body is an empty one.
 */
export class StrictBodyPipe<T extends object> implements PipeTransform<unknown, T> {
  constructor(
    private readonly type: Type<T>,
    private readonly options: { optional?: boolean } = {},
  ) {}

  transform(body: unknown): T {
    if (typeof body === 'string' && body !== '') throw wrongContentType();
    const { value, unknown } = checkBody(this.type, this.options.optional ? (body ?? {}) : body);
    if (unknown[0] !== undefined) throw invalidValue(unknown[0], 'there is no such field');
    return value;
  }
}

/** Parses JSON whatever its content type was, within the bounds of json-bounds.ts. Throws FPWSE0004E. */
export function parseJson(body: unknown, what = 'body'): unknown {
  if (typeof body !== 'string') return body;
  checkBounds(body, what);
  try {
    return readJson(body);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError('FPWSE0004E', `The ${what} is not valid JSON.`);
  }
}

/**
 * Validates against the class-validator rules of `type`. Returns the instance and the paths of fields it does not know,
 * which the instance is without.
 * Throws FPWSE0004E when the body is no object, FPWSE0005E naming the first wrong field and why.
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

/** PostgreSQL keeps neither NUL nor half a surrogate pair, and a provider would refuse them. Throws FPWSE0004E. */
export function checkStorable(value: unknown, levels: number = MAX_DEPTH): void {
  if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed()))
    throw new ApiError('FPWSE0004E', 'The body has a NUL character or half a surrogate pair in it.');
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) throw new ApiError('FPWSE0004E', `The body is nested deeper than ${MAX_DEPTH} levels.`);
  for (const [key, inner] of Object.entries(value)) {
    // Assigned to an object, the one changes what it inherits; the other is a function of every object.
    if (key === 'constructor' || key === '__proto__')
      throw new ApiError('FPWSE0004E', `The body has a key named '${key}' in it, which is reserved.`);
    checkStorable(key, levels);
    checkStorable(inner, levels - 1);
  }
}

function* flatten(errors: readonly ValidationError[], prefix = ''): Generator<{ path: string; reason: string }> {
  for (const error of errors) {
    const path = prefix ? `${prefix}.${error.property}` : error.property;
    // Decorators take effect from the bottom up; the first as written, the type, is the one to tell.
    for (const [constraint, reason] of Object.entries(error.constraints ?? {}).toReversed())
      // The library's own word for a nested value that is no object; our rule beside it says it better.
      if (constraint !== 'nestedValidation') yield { path, reason };
    yield* flatten(error.children ?? [], path);
  }
}
