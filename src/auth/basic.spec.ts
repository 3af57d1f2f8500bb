import { describe, expect, it } from 'vitest';
import { parseBasic } from './basic.js';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('parseBasic', () => {
  it.each<[string, string | undefined, { id: string; secret: string }[]]>([
    ["IBM's own module's", 'Basic cHVzaDpoc3Vw', [{ id: 'push', secret: 'hsup' }]],
    ['one in small letters', 'basic cHVzaDpoc3Vw', [{ id: 'push', secret: 'hsup' }]],
    ['one without padding', 'Basic dGVzdDp0ZXN0MQ', [{ id: 'test', secret: 'test1' }]],
    ['one with spaces about', 'Basic   cHVzaDpoc3Vw  ', [{ id: 'push', secret: 'hsup' }]],
    ['a secret with colons', basic('a:b:c'), [{ id: 'a', secret: 'b:c' }]],
    [
      'a form-encoded one, raw first',
      basic('te+st:p%40ss%3A1'),
      [
        { id: 'te+st', secret: 'p%40ss%3A1' },
        { id: 'te st', secret: 'p@ss:1' },
      ],
    ],
    ['a per cent sign that encodes nothing', basic('a:100%'), [{ id: 'a', secret: '100%' }]],
    ['a per cent sign beside an encoding', basic('a%20b:100%'), [{ id: 'a%20b', secret: '100%' }]],
    ['one that decodes to what no client has', basic('a%3Ab:%C3%A9'), [{ id: 'a%3Ab', secret: '%C3%A9' }]],
    ['the longest', basic(`${'i'.repeat(255)}:${'s'.repeat(255)}`), [{ id: 'i'.repeat(255), secret: 's'.repeat(255) }]],
    [
      'the longest with every character encoded',
      basic(`${'%69'.repeat(255)}:${'%73'.repeat(255)}`),
      [{ id: 'i'.repeat(255), secret: 's'.repeat(255) }],
    ],
  ])('parseBasic reads %s', (_what, header, pairs) => {
    expect(parseBasic(header)).toEqual(pairs);
  });

  it.each([
    ['none', undefined],
    ['an empty one', ''],
    ['a token', 'Bearer cHVzaDpoc3Vw'],
    ['no credentials', 'Basic'],
    ['nothing behind the word', 'Basic '],
    ['something that is not base64', 'Basic push:hsup'],
    ['two credentials', 'Basic cHVzaDpoc3Vw cHVzaDpoc3Vw'],
    ['no colon', basic('push')],
    ['no id', basic(':hsup')],
    ['no secret', basic('push:')],
    ['an id beyond ASCII', basic('ü:hsup')],
    ['a secret with a line break', basic('push:a\nb')],
    ['an id too long', basic(`${'i'.repeat(256)}:a`)],
    ['a secret too long', basic(`a:${'s'.repeat(256)}`)],
    ['a header far too long', `Basic ${'A'.repeat(2_049)}`],
  ])('parseBasic finds no client in %s', (_what, header) => {
    expect(parseBasic(header)).toEqual([]);
  });
});
