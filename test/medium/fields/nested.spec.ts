import 'reflect-metadata';
import { getMetadataStorage, validateSync } from 'class-validator';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fieldsOf, toInstance } from '../../../src/common/fields.js';

const SOURCE = new URL('../../../src/', import.meta.url);
for (const file of readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }))
  if (file.endsWith('.dto.ts')) await import(new URL(file, SOURCE).href);

type Dto = new () => object;
const { validationMetadatas } = getMetadataStorage() as unknown as {
  validationMetadatas: Map<Dto, { type: string; propertyName: string }[]>;
};
const dtos = [...validationMetadatas.keys()];
const nested = dtos.flatMap((type) =>
  [...fieldsOf(type)].filter(([, field]) => field.nested).map(([name]) => ({ dto: type.name, name, type })),
);

describe('in every DTO', () => {
  it('are found: more than thirty classes, and more than twenty fields with objects of a class', () => {
    expect(dtos.length).toBeGreaterThan(30);
    expect(nested.length).toBeGreaterThan(20);
  });

  it('a field that is validated as an object of a class names the class', () => {
    const checked = [...validationMetadatas].flatMap(([type, rules]) =>
      rules.filter((rule) => rule.type === 'nestedValidation').map((rule) => `${type.name}.${rule.propertyName}`),
    );
    expect(checked.filter((name) => !nested.some((field) => `${field.dto}.${field.name}` === name))).toEqual([]);
  });

  it.each(nested)('$dto.$name refuses a list that contains null, text, a number or a list', ({ name, type }) => {
    for (const item of [null, 'x', 7, [], [null]]) {
      const { value } = toInstance(type, { [name]: [item] });
      const refused = validateSync(value, { forbidUnknownValues: false }).find(({ property }) => property === name);
      expect([item, refused?.constraints]).toEqual([item, expect.any(Object)]);
    }
  });
});
