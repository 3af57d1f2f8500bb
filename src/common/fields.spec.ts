import { IsOptional } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { Nested, NestedList, ReadAs, toInstance, toPlain } from './fields.js';
import { ExactNumber } from './json.js';

class PartDto {
  size?: unknown;
}
class WholeDto {
  part?: PartDto;
  parts?: PartDto[];
}
/** Decorators as functions: the transform of specs does not support decorators. */
ReadAs((value) => (typeof value === 'string' ? value.toUpperCase() : value))(PartDto.prototype, 'size');
Nested(() => PartDto)(WholeDto.prototype, 'part');
NestedList(() => PartDto)(WholeDto.prototype, 'parts');
class HeirDto extends PartDto {
  colour?: string;
}
IsOptional()(HeirDto.prototype, 'colour');

describe('toInstance', () => {
  it('makes instances of the class and of nested classes, each value as its field reads it', () => {
    const { value, unknown } = toInstance(WholeDto, { part: { size: 's' }, parts: [{ size: 'm' }, null, 7] });
    expect(value.part).toBeInstanceOf(PartDto);
    expect(value).toEqual({ part: { size: 'S' }, parts: [{ size: 'M' }, null, 7] });
    expect(unknown).toEqual([]);
  });

  it('reads the fields that a class inherits', () => {
    expect(toInstance(HeirDto, { size: 's', colour: 'red' }).value).toEqual({ size: 'S', colour: 'red' });
  });

  it('keeps plain objects and exact numbers as they are', () => {
    const size = { deep: [{ er: 1 }] };
    const part = new ExactNumber('1e400');
    const { value } = toInstance(WholeDto, { part, parts: [{ size }] });
    expect(value.parts?.[0]?.size).toBe(size);
    expect(value.part).toBe(part);
  });

  it('makes at most two thousand objects of a class', () => {
    const parts = (length: number) => ({ parts: Array.from({ length }, () => ({})) });
    expect(toInstance(WholeDto, parts(1_999)).value.parts).toHaveLength(1_999);
    expect(() => toInstance(WholeDto, parts(2_000))).toThrow('more than 2000 objects');
  });

  it('names at most a hundred unknown fields, each with at most a hundred characters', () => {
    const keys = Object.fromEntries(Array.from({ length: 500 }, (_, n) => ['k'.repeat(300) + n, n]));
    const { value, unknown } = toInstance(PartDto, keys);
    expect(value).toEqual({});
    expect(unknown).toHaveLength(100);
    expect(unknown[0]).toHaveLength(100);
  });
});

describe('toPlain', () => {
  it('omits null and undefined, also in nested instances, but not in plain objects', () => {
    const size = { mine: null };
    const { value } = toInstance(WholeDto, { part: { size: null }, parts: [{ size }] });
    const plain = toPlain(value);
    expect(plain).toStrictEqual({ part: {}, parts: [{ size }] });
    expect(plain.parts?.[0]?.size).toBe(size);
  });
});
