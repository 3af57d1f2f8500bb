import 'reflect-metadata';
import { IsInt, IsOptional, IsString, MaxLength } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { BodyPipe, checkBody, parseJson } from './body.js';
import { Nested } from './fields.js';

class PartDto {
  size?: number;
}
class NoteDto {
  text!: string;
  part?: PartDto;
}
/**
 * Calls decorators as functions, the last first, like the compiler: the transform of specs does not support decorators.
 */
function rules(type: typeof NoteDto | typeof PartDto, field: string, ...decorators: PropertyDecorator[]): void {
  for (const decorate of decorators.toReversed()) decorate(type.prototype, field);
}
rules(PartDto, 'size', IsOptional(), IsInt({ message: 'it must be a whole number' }));
rules(
  NoteDto,
  'text',
  IsString({ message: 'it must be a string' }),
  MaxLength(5, { message: 'it must be at most 5 characters' }),
);
rules(
  NoteDto,
  'part',
  IsOptional(),
  Nested(() => PartDto),
);

const check = (body: unknown) => checkBody(NoteDto, body);
const invalid = (field: string, reason: string) => ({
  code: 'FPWSE0005E',
  message: `Invalid value was provided. Check the '${field}' parameter value: ${reason}.`,
});

/** Returns the thrown error, so that one assertion compares code and message. */
function refusal(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was refused');
}

describe('checkBody', () => {
  it('returns instances, nested ones too', () => {
    const { value, unknown } = check({ text: 'hi', part: { size: 3 } });
    expect(value).toBeInstanceOf(NoteDto);
    expect(value.part).toBeInstanceOf(PartDto);
    expect(value).toEqual({ text: 'hi', part: { size: 3 } });
    expect(unknown).toEqual([]);
  });

  it('names unknown fields by their path and omits them', () => {
    const { value, unknown } = check({ text: 'hi', extra: 1, 'a.b': 2, part: { size: 3, colour: 'red' } });
    expect(unknown).toEqual(['extra', 'a.b', 'part.colour']);
    expect(value).toEqual({ text: 'hi', part: { size: 3 } });
  });

  it('a refusal names the field and the reason', () => {
    expect(refusal(() => check({}))).toMatchObject(invalid('text', 'it must be a string'));
    expect(refusal(() => check({ text: 'too long' }))).toMatchObject(
      invalid('text', 'it must be at most 5 characters'),
    );
    expect(refusal(() => check({ text: 'hi', part: { size: 'big' } }))).toMatchObject(
      invalid('part.size', 'it must be a whole number'),
    );
  });

  it('reports a wrong type before a rule about the value', () => {
    expect(refusal(() => check({ text: 7 }))).toMatchObject(invalid('text', 'it must be a string'));
  });

  it('a refusal never repeats a value', () => {
    expect(refusal(() => check({ text: 'hunter2-hunter2' }))).not.toMatchObject({
      message: expect.stringContaining('hunter2') as string,
    });
  });

  it.each([
    ['nothing', undefined, 'A JSON body is required.'],
    ['null', null, 'A JSON body is required.'],
    ['an empty text', '', 'A JSON body is required.'],
    ['a list', [{ text: 'hi' }], 'The body must be a JSON object.'],
    ['a number', 7, 'The body must be a JSON object.'],
    ['a NUL in a value', { text: 'a\0' }, 'The body contains a NUL character or an unpaired surrogate.'],
    ['a NUL in a key', { text: 'a', 'b\0': 1 }, 'The body contains a NUL character or an unpaired surrogate.'],
    ['half a pair', { text: '\ud83d' }, 'The body contains a NUL character or an unpaired surrogate.'],
    [
      'such in a list',
      { text: 'a', more: [['\udc00']] },
      'The body contains a NUL character or an unpaired surrogate.',
    ],
    [
      "a 'constructor'",
      { text: 'a', more: { deep: [{ constructor: 'Ferrari' }] } },
      "The body contains the reserved key 'constructor'.",
    ],
    [
      "a '__proto__'",
      JSON.parse('{"text":"a","__proto__":{"text":"b"}}'),
      "The body contains the reserved key '__proto__'.",
    ],
  ])('refuses %s', (_what, body, message) => {
    expect(refusal(() => check(body))).toMatchObject({ code: 'FPWSE0004E', message });
  });

  it('accepts 32 levels of nesting and refuses more', () => {
    const nested = (levels: number): unknown => JSON.parse('{"a":'.repeat(levels) + '1' + '}'.repeat(levels));
    expect(check({ text: 'a', more: nested(31) }).unknown).toEqual(['more']);
    const message = 'The body is nested deeper than 32 levels.';
    expect(refusal(() => check({ text: 'a', more: nested(32) }))).toMatchObject({ code: 'FPWSE0004E', message });
    expect(refusal(() => check({ text: 'a', more: nested(5_000) }))).toMatchObject({ code: 'FPWSE0004E', message });
  });

  it('a complete surrogate pair is accepted as text', () => {
    expect(check({ text: '😀' }).value.text).toBe('😀');
  });
});

describe('parseJson', () => {
  it('parses text, and returns a body that is already parsed', () => {
    expect(parseJson('{"a":[1]}')).toEqual({ a: [1] });
    const parsed = { a: 1 };
    expect(parseJson(parsed)).toBe(parsed);
  });

  it.each(['', '{', "{'a':1}", '{"a":1,}'])('refuses %j', (text) => {
    expect(refusal(() => parseJson(text))).toMatchObject({ code: 'FPWSE0004E', status: 400 });
  });
});

describe('BodyPipe', () => {
  it('returns the checked instance', () => {
    const note = new BodyPipe(NoteDto).transform({ text: 'hi', extra: 1 });
    expect(note).toBeInstanceOf(NoteDto);
    expect(note).toEqual({ text: 'hi' });
  });

  it('answers 405 to a body of another content type', () => {
    expect(refusal(() => new BodyPipe(NoteDto).transform('{"text":"hi"}'))).toMatchObject({
      code: 'CARIL0405E',
      status: 405,
    });
  });
});
