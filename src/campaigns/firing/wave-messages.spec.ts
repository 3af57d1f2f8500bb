import { expect, it } from 'vitest';
import { toMessages } from './wave-messages.js';

const say = (alert: string) => ({ message: { alert } });
const base = { name: 'n', content: { ...say('hi'), ttl: 60 }, schedule: {} };

it('makes one message for all devices', () => {
  expect(toMessages(base, 'c')).toEqual([{ variant: null, language: null, body: base.content, where: [] }]);
});

it('a language changes only its fields, and a narrower language takes precedence', () => {
  const messages = toMessages({ ...base, languages: { de: say('hallo'), 'de-AT': say('servus') } }, 'c');
  expect(messages).toEqual([
    {
      variant: null,
      language: 'de',
      body: { ...say('hallo'), ttl: 60 },
      where: [{ kind: 'language', of: ['de'], except: ['de-at'] }],
    },
    {
      variant: null,
      language: 'de-AT',
      body: { ...say('servus'), ttl: 60 },
      where: [{ kind: 'language', of: ['de-at'], except: [] }],
    },
    { variant: null, language: null, body: base.content, where: [{ kind: 'language', except: ['de', 'de-at'] }] },
  ]);
});

it('variants take shares one after another, to a hundredth of a percent', () => {
  const split = [
    { name: 'A', share: 33.33 },
    { name: 'B', share: 33.33, content: say('B') },
  ];
  expect(toMessages({ ...base, split }, 'c').map(({ variant, body, where }) => [variant, body, where])).toEqual([
    ['A', base.content, [{ kind: 'share', salt: 'c', from: 0, to: 3_333 }]],
    ['B', { ...say('B'), ttl: 60 }, [{ kind: 'share', salt: 'c', from: 3_333, to: 6_666 }]],
  ]);
});

it('a variant’s language takes precedence over its content, and the content over the campaign’s languages', () => {
  const split = [{ name: 'B', share: 100, content: say('B'), languages: { fr: say('B fr') } }];
  const messages = toMessages({ ...base, languages: { de: say('de'), fr: say('fr') }, split }, 'c');
  expect(messages.map(({ language, body }) => [language, body.message])).toEqual([
    ['de', { alert: 'B' }],
    ['fr', { alert: 'B fr' }],
    [null, { alert: 'B' }],
  ]);
});
