import { applyDecorators } from '@nestjs/common';
import { IsArray, IsOptional, IsString } from 'class-validator';
import { ExactNumber, readJson } from './json.js';
import { ReadAs } from './fields.js';

/**
 * Decorators for wire fields: their type rules, and values that are accepted in another form because callers send them
 * so.
 */

export function OptionalText(): PropertyDecorator {
  return applyDecorators(IsOptional(), IsString({ message: 'it must be a string' }));
}

export function OptionalTexts(): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    IsArray({ message: 'it must be a list' }),
    IsString({ each: true, message: 'each must be a string' }),
  );
}

/** Callers and the vendor's own samples send `""` for an absent payload. */
export function EmptyIsAbsent(): PropertyDecorator {
  return ReadAs((value) => (value === '' || value === null ? undefined : value));
}
/** Accepts `max` and `MAX`: callers send both. */
export function UpperCase(): PropertyDecorator {
  return ReadAs((value) => (typeof value === 'string' ? value.toUpperCase() : value));
}
/**
 * Older SDKs send numbers as text. Other text is not converted: `""` would become 0, which means "now or never" to FCM.
 */
export function NumberFromText(): PropertyDecorator {
  return ReadAs((value) =>
    typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value.trim()) ? numberOf(value.trim()) : value,
  );
}

/** Converts a whole number to its digits: callers send identifiers and phone numbers as numbers. */
export function TextFromNumber(): PropertyDecorator {
  return ReadAs((value) =>
    (typeof value === 'number' || value instanceof ExactNumber) && /^\d+$/.test(String(value)) ? String(value) : value,
  );
}

/** A number that a double cannot hold becomes an ExactNumber, which the rules refuse. JSON allows no leading zeros. */
function numberOf(text: string): unknown {
  return readJson(text.replace(/^(-?)0+(?=\d)/, '$1'));
}

/** Null counts as omitted. */
export function isGiven<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}
