import { expect, it } from 'vitest';
import { readTexts } from './claim.js';

const CLAIMS = {
  roles: ['a', 'b'],
  one: 'a',
  mixed: ['a', 7, null, { x: 1 }],
  nothing: null,
  object: { a: true },
  number: 7,
  'https://example.test/roles': ['url'],
  resource_access: { 'my.client': { roles: ['dotted'] }, my: { client: { roles: ['plain'] } } },
  realm_access: { roles: ['realm'] },
};

it.each([
  ['roles', ['a', 'b']],
  ['one', ['a']],
  ['mixed', ['a']],
  ['nothing', []],
  ['object', []],
  ['number', []],
  ['absent', []],
  ['roles.0', []],
  ['constructor.name', []],
  ['https://example.test/roles', ['url']],
  ['resource_access.my.client.roles', ['dotted']],
  ['realm_access.roles', ['realm']],
])('%s is %j', (path, texts) => expect(readTexts(CLAIMS, path)).toEqual(texts));
