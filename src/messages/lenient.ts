import { Transform } from 'class-transformer';

/** Where the wire is lenient: how callers write a value, and what they mean. */

/** Callers and the vendor's own samples send `""` for an absent payload. */
export function EmptyIsAbsent(): PropertyDecorator {
  return Transform(({ value }: { value: unknown }) => (value === '' || value === null ? undefined : value));
}

/** `max` and `MAX` are both about. */
export function UpperCase(): PropertyDecorator {
  return Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.toUpperCase() : value));
}

/** Older SDKs send numbers as text. Nothing else is converted: `""` would become 0, which means "now or never" to FCM. */
export function NumberFromText(): PropertyDecorator {
  return Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value,
  );
}
