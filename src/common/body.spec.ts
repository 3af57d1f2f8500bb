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
/** Decorators as functions, the last first, as the compiler calls them: the transform of specs knows no decorators. */
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

/** What was thrown, so that code and message can be asserted together. */
function refusal(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was refused');
}

describe('checkBody', () => {
  it('gives instances, nested ones too', () => {
    const { value, unknown } = check({ text: 'hi', part: { size: 3 } });
    expect(value).toBeInstanceOf(NoteDto);
    expect(value.part).toBeInstanceOf(PartDto);
    expect(value).toEqual({ text: 'hi', part: { size: 3 } });
    expect(unknown).toEqual([]);
  });

  it('names fields it does not know by their path, and leaves them out', () => {
    const { value, unknown } = check({ text: 'hi', extra: 1, 'a.b': 2, part: { size: 3, colour: 'red' } });
    expect(unknown).toEqual(['extra', 'a.b', 'part.colour']);
    expect(value).toEqual({ text: 'hi', part: { size: 3 } });
  });

  it('refuses naming field and reason', () => {
    expect(refusal(() => check({}))).toMatchObject(invalid('text', 'it must be a string'));
    expect(refusal(() => check({ text: 'too long' }))).toMatchObject(
      invalid('text', 'it must be at most 5 characters'),
    );
    expect(refusal(() => check({ text: 'hi', part: { size: 'big' } }))).toMatchObject(
      invalid('part.size', 'it must be a whole number'),
    );
  });

  it('tells the wrong type rather than a rule that only a right type can break', () => {
    expect(refusal(() => check({ text: 7 }))).toMatchObject(invalid('text', 'it must be a string'));
  });

  it('never repeats a value', () => {
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
    ['a NUL in a value', { text: 'a\0' }, 'The body has a NUL character or half a surrogate pair in it.'],
    ['a NUL in a key', { text: 'a', 'b\0': 1 }, 'The body has a NUL character or half a surrogate pair in it.'],
    ['half a pair', { text: '\ud83d' }, 'The body has a NUL character or half a surrogate pair in it.'],
    [
      'such in a list',
      { text: 'a', more: [['\udc00']] },
      'The body has a NUL character or half a surrogate pair in it.',
    ],
    [
      "a 'constructor'",
      { text: 'a', more: { deep: [{ constructor: 'Ferrari' }] } },
      "The body has a key named 'constructor' in it, which is reserved.",
    ],
    [
      "a '__proto__'",
      JSON.parse('{"text":"a","__proto__":{"text":"b"}}'),
      "The body has a key named '__proto__' in it, which is reserved.",
    ],
  ])('refuses %s', (_what, body, message) => {
    expect(refusal(() => check(body))).toMatchObject({ code: 'FPWSE0004E', message });
  });

  it('takes 32 levels and refuses more, however deep', () => {
    const nested = (levels: number): unknown => JSON.parse('{"a":'.repeat(levels) + '1' + '}'.repeat(levels));
    expect(check({ text: 'a', more: nested(31) }).unknown).toEqual(['more']);
    const message = 'The body is nested deeper than 32 levels.';
    expect(refusal(() => check({ text: 'a', more: nested(32) }))).toMatchObject({ code: 'FPWSE0004E', message });
    expect(refusal(() => check({ text: 'a', more: nested(5_000) }))).toMatchObject({ code: 'FPWSE0004E', message });
  });

  it('a whole pair is text like any other', () => {
    expect(check({ text: '😀' }).value.text).toBe('😀');
  });
});

describe('parseJson', () => {
  it('parses text, and lets what was parsed already pass', () => {
    expect(parseJson('{"a":[1]}')).toEqual({ a: [1] });
    const parsed = { a: 1 };
    expect(parseJson(parsed)).toBe(parsed);
  });

  it.each(['', '{', "{'a':1}", '{"a":1,}'])('refuses %j', (text) => {
    expect(refusal(() => parseJson(text))).toMatchObject({ code: 'FPWSE0004E', status: 400 });
  });
});

describe('BodyPipe', () => {
  it('gives the checked instance', () => {
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
