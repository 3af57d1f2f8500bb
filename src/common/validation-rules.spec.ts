import { IsString, MaxLength, getMetadataStorage, validateSync } from 'class-validator';
import { expect, it } from 'vitest';
import { rememberRules } from './validation-rules.js';

class Parent {
  @IsString()
  name!: string;
}
class Child extends Parent {
  @MaxLength(3)
  word!: string;
}

function check(type: new () => object, value: object): string[] {
  return validateSync(Object.assign(new type(), value), { whitelist: true, forbidNonWhitelisted: true })
    .flatMap(({ constraints }) => Object.keys(constraints ?? {}))
    .toSorted();
}

it('gathers and groups the rules of a class once, with the same validation errors', () => {
  const storage = getMetadataStorage();
  const gather = storage.getTargetValidationMetadatas.bind(storage);
  const group = storage.groupByPropertyName.bind(storage);
  const bad = { name: 1, word: 'long', more: true };
  const before = [check(Parent, bad), check(Child, bad)];
  expect(before[1]).toEqual(['isString', 'maxLength', 'whitelistValidation']);
  const asked = { gather: 0, group: 0 };
  storage.getTargetValidationMetadatas = (...words) => {
    asked.gather++;
    return gather(...words);
  };
  storage.groupByPropertyName = (...words) => {
    asked.group++;
    return group(...words);
  };
  try {
    rememberRules(storage);
    for (let round = 0; round < 3; round++) expect([check(Parent, bad), check(Child, bad)]).toEqual(before);
    expect(check(Child, { name: 'a', word: 'b' })).toEqual([]);
    expect(asked).toEqual({ gather: 2, group: 2 });
    // Rules by group are not cached.
    storage.getTargetValidationMetadatas(Child, '', false, false, ['admin']);
    expect(asked.gather).toBe(3);
  } finally {
    Object.assign(storage, { getTargetValidationMetadatas: gather, groupByPropertyName: group });
  }
});
