import { applyDecorators } from '@nestjs/common';
import { IsArray, IsOptional, IsString } from 'class-validator';
import { ExactNumber, readJson } from './json.js';
import { ReadAs } from './fields.js';

/** Decorators for fields of the wire: what they refuse, and what they read kindly because callers send it so. */

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
/** `max` and `MAX` are both about. */
export function UpperCase(): PropertyDecorator {
  return ReadAs((value) => (typeof value === 'string' ? value.toUpperCase() : value));
}
/** Older SDKs send numbers as text. Nothing else is converted: `""` would become 0, which means "now or never" to FCM. */
export function NumberFromText(): PropertyDecorator {
  return ReadAs((value) =>
    typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value.trim()) ? numberOf(value.trim()) : value,
  );
}

/** A whole number, as its digits: identifiers and phone numbers that a caller has in a number. */
export function TextFromNumber(): PropertyDecorator {
  return ReadAs((value) =>
    (typeof value === 'number' || value instanceof ExactNumber) && /^\d+$/.test(String(value)) ? String(value) : value,
  );
}

/** What a double cannot hold is no number to the rules, and refused. JSON has no zeros in front. */
function numberOf(text: string): unknown {
  return readJson(text.replace(/^(-?)0+(?=\d)/, '$1'));
}

/** Null is as good as left out. */
export function isGiven<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}
