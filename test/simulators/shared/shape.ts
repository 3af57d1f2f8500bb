/** Thrown for input of the admin API that has the wrong form; answered as 400 with the message. */
export class BadInput extends Error {}

type FieldKind = 'string' | 'number' | 'boolean' | 'object' | 'any' | readonly (string | boolean)[];
export type Shape = Readonly<Record<string, FieldKind>>;
export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Refuses anything but an object with fields of the shape. Unknown names are refused too: a misspelt fault that never
 * applies would make a test that cannot fail.
 */
export function checkShape(value: unknown, shape: Shape, where: string, required: readonly string[] = []): Fields {
  if (!isFields(value)) throw new BadInput(`${where} must be an object`);
  for (const [name, field] of Object.entries(value)) {
    const kind = shape[name];
    if (kind === undefined) {
      throw new BadInput(`${where}.${name} is unknown; known are ${Object.keys(shape).join(', ')}`);
    }
    if (kind === 'any') continue;
    if (typeof kind !== 'string') {
      if (!kind.includes(field as string)) throw new BadInput(`${where}.${name} must be one of ${kind.join(', ')}`);
    } else if (kind === 'object' ? !isFields(field) : typeof field !== kind || Number.isNaN(field)) {
      throw new BadInput(`${where}.${name} must be of type ${kind}`);
    }
  }
  for (const name of required) {
    if (value[name] === undefined) throw new BadInput(`${where}.${name} is missing`);
  }
  return value;
}
