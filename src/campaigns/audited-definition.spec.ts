import { expect, it } from 'vitest';
import { definitionChange } from './audited-definition.js';
import type { Definition } from './campaign.js';

const BEFORE: Definition = {
  name: 'Digest',
  content: { message: { alert: 'A private text' } },
  split: [{ name: 'a', share: 50, content: { message: { alert: 'A' } } }],
  target: { userIds: ['ann', 'ben'] },
  schedule: { cron: '0 9 * * 1', timeZone: 'Europe/Berlin' },
};

it.each<[string, Partial<Definition>, object]>([
  ['nothing', {}, {}],
  ['the name', { name: 'News' }, { before: { name: 'Digest' }, after: { name: 'News' } }],
  [
    'the audience, without ids',
    { target: { userIds: ['ann', 'ben', 'cem'] } },
    { before: { target: { userIds: '2 ids' } }, after: { target: { userIds: '3 ids' } } },
  ],
  ['the text', { content: { message: { alert: 'Another text' } } }, { content: 'changed' }],
  ['the text of a language', { languages: { de: { message: { alert: 'Noch einer' } } } }, { content: 'changed' }],
  ['the text of a variant', { split: [{ name: 'a', share: 50 }] }, { content: 'changed' }],
  [
    'a share and a policy',
    { split: [{ ...BEFORE.split![0]!, share: 20 }], policies: { dailyCap: 1 } },
    {
      before: { split: [{ name: 'a', share: 50 }] },
      after: { split: [{ name: 'a', share: 20 }], policies: { dailyCap: 1 } },
    },
  ],
])('a change of %s', (_what, change, expected) => {
  const told = definitionChange(BEFORE, { ...BEFORE, ...change });
  expect(told).toEqual(expected);
  expect(JSON.stringify(told)).not.toMatch(/text|Noch|ann/);
});
