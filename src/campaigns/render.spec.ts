import { expect, it } from 'vitest';
import { toMessages } from './firing/wave-messages.js';
import { inLanguageOf } from './render.js';

const content = { message: { alert: 'Hello' } };
const definition = {
  name: 'c',
  content,
  languages: { de: content, 'de-AT': content, fr: content },
  split: [
    { name: 'one', share: 50 },
    { name: 'two', share: 50, languages: { it: content } },
  ],
  schedule: {},
};

it.each([
  ['de-AT', ['one de-AT', 'two de-AT']],
  ['de_ch', ['one de', 'two de']],
  ['den', ['one null', 'two null']],
  ['it', ['one null', 'two it']],
  [null, ['one null', 'two null']],
])('a device of language %s gets %j', (language, expected) => {
  const found = inLanguageOf(toMessages(definition, ''), language);
  expect(found.map((message) => `${message.variant} ${message.language}`)).toEqual(expected);
});
