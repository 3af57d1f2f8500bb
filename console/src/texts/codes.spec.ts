import { describe, expect, it } from 'vitest';
import { components } from '../../../docs/openapi.json';
import { ERROR_CODES } from '../../../src/common/errors';
import { de } from './de';
import { en } from './en';

const { WarningAnswer, ExclusionAnswer, DryRunBlockAnswer, ExplanationAnswer, RunAnswer } = components.schemas;

describe.each([
  ['English', en],
  ['German', de],
])('%s', (_name, { codes }) => {
  it.each<[keyof typeof codes, readonly string[]]>([
    ['warnings', WarningAnswer.properties.code.enum],
    ['exclusions', ExclusionAnswer.properties.code.enum],
    ['blocked', DryRunBlockAnswer.properties.code.enum],
    ['whyNot', ExplanationAnswer.properties.reasonCode.enum],
    ['campaign', RunAnswer.properties.reasonCode.enum],
  ])('%s: every code of the API has a text', (kind, known) => {
    expect(known.filter((code) => !(code in codes[kind]))).toEqual([]);
  });
});

it('German: every error of the API has a sentence of its own before that of the API', () => {
  const sentences = Object.keys(ERROR_CODES).map((code) => de.codes.failure(code, 'the field is wrong'));
  expect(sentences.filter((text) => !/^.+ \(the field is wrong\)$/.test(text))).toEqual([]);
  expect(new Set(sentences).size).toBe(sentences.length);
});
