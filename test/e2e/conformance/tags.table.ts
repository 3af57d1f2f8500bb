import { HERE, TIME, having, onePage, refused, wrong } from './row.js';
import type { Row } from './row.js';

const read = 'tags.read';
const write = 'tags.write';
const none = { path: { tagName: 'none' } };
const ODD = 'a/b c%😀';
const odd = { path: { tagName: ODD } };

export const TAGS: readonly Row[] = [
  ['POST …/tags', write, 'with a description', { body: given('news', 'What is new') }, 201, tag('news', 'What is new')],
  ['POST …/tags', write, 'without a description', { body: { name: 'offers', colour: 'red' } }, 201, tag('offers')],
  ['POST …/tags', write, 'with special characters in the name', { body: given(ODD, 'one') }, 201, tag(ODD, 'one')],
  ['POST …/tags', write, 'twice', { body: { name: ODD } }, 409, refused('FPWSE0002E')],
  ['POST …/tags', write, 'without a name', { body: { description: 'a' } }, 400, wrong(/'name'/)],
  ['POST …/tags', write, 'an empty name', { body: { name: '' } }, 400, wrong(/'name'/)],
  ['POST …/tags', write, 'a number for a name', { body: { name: 7 } }, 400, wrong(/'name'/)],
  ['POST …/tags', write, '255 characters', { body: { name: 'x'.repeat(255) } }, 400, wrong(/'name'.*254/)],
  ['POST …/tags', write, 'a long text', { body: given('x', 'x'.repeat(1_025)) }, 400, wrong(/'description'.*1024/)],
  ['POST …/tags', write, 'a dot segment', { body: { name: '..' } }, 400, wrong(/'name'.*path/)],
  ['POST …/tags', write, 'Push.all', { body: { name: 'push.all' } }, 400, wrong(/'name'/)],
  ['POST …/tags', write, 'a list', { body: [] }, 400, refused('FPWSE0004E')],

  ['GET …/tags/:tagName', read, 'one', {}, 200, tag('news', 'What is new')],
  ['GET …/tags/:tagName', read, 'a name with special characters', odd, 200, tag(ODD, 'one')],
  [
    'GET …/tags/:tagName',
    read,
    'counted',
    counted('true'),
    200,
    { ...tag('news', 'What is new'), subscriptionCount: 0 },
  ],
  ['GET …/tags/:tagName', read, 'counted 1', counted('1'), 400, wrong(/'subscriptionCount'/)],
  ['GET …/tags/:tagName', read, 'an unknown tag', none, 404, refused('FPWSE0001E', /tagName/)],
  ['PUT …/tags/:tagName', write, 'a description', { ...odd, body: { description: 'two' } }, 200, tag(ODD, 'two')],
  ['PUT …/tags/:tagName', write, 'its own name', { ...odd, body: { name: ODD } }, 200, tag(ODD, 'two')],
  ['PUT …/tags/:tagName', write, 'another name', { ...odd, body: { name: 'other' } }, 400, wrong(/'name'/)],
  ['PUT …/tags/:tagName', write, 'an object', { body: { description: {} } }, 400, wrong(/'description'/)],
  ['PUT …/tags/:tagName', write, 'an unknown tag', { ...none, body: { description: 'a' } }, 404, refused('FPWSE0001E')],

  [
    'GET …/tags',
    read,
    'all',
    {},
    200,
    { tags: [tag(ODD, 'two'), tag('news', 'What is new'), tag('offers')], pageInfo: onePage(3) },
  ],
  [
    'GET …/tags',
    read,
    'short items',
    { query: 'expand=false&filter=name==news,name=@off' },
    200,
    {
      tags: ['news', 'offers'].map((name) => ({ name, href: hrefOf(name), uri: hrefOf(name) })),
      pageInfo: onePage(2),
    },
  ],
  [
    'GET …/tags',
    read,
    'by description',
    { query: 'filter=description=@new' },
    200,
    { tags: [tag('news', 'What is new')], pageInfo: onePage(1) },
  ],
  [
    'GET …/tags',
    read,
    'by a percent sign',
    { query: 'filter=name=@%25&size=1' },
    200,
    having({ tags: [tag(ODD, 'two')] }),
  ],
  [
    'GET …/tags',
    read,
    'by invalid UTF-8',
    { query: 'filter=name==%ED%A0%80' },
    400,
    refused('FPWSE0005E', /not valid UTF-8/),
  ],
  ...[
    ['offset=99999999999999999999', 'FPWSE1079E'],
    ['size=-1', 'FPWSE1080E'],
    ['filter=__proto__==a', 'FPWSE0005E'],
    ['filter=name==a,', 'FPWSE0005E'],
    [`filter=${'name==a,'.repeat(200)}name==a`, 'FPWSE0005E'],
    [`cursor=${Buffer.from('["after",1,0,7]').toString('base64url')}`, 'FPWSE0005E'],
    ['subscriptionCount=1', 'FPWSE0005E'],
  ].map(([query = '', code = '']): Row => [
    'GET …/tags',
    read,
    `?${query.slice(0, 50)}`,
    { query },
    400,
    refused(code),
  ]),

  ['DELETE …/tags/:tagName', write, 'one', odd, 204],
  ['DELETE …/tags/:tagName', write, 'again', odd, 404, refused('FPWSE0001E', /tagName/)],
  ['DELETE …/tags/:tagName', write, 'Push.ALL', { path: { tagName: 'Push.ALL' } }, 404, refused('FPWSE0001E')],
  [
    'GET …/tags',
    read,
    'the remaining tags',
    {},
    200,
    { tags: [tag('news', 'What is new'), tag('offers')], pageInfo: onePage(2) },
  ],
];

function given(name: string, description: string): object {
  return { name, description };
}

function hrefOf(name: string): string {
  return `${HERE}/tags/${encodeURIComponent(name)}`;
}

function tag(name: string, description = ''): object {
  const times = { createdMode: 'API', createdTime: TIME, lastUpdatedTime: TIME };
  return { name, description, ...times, href: hrefOf(name), uri: hrefOf(name) };
}

function counted(subscriptionCount: string): { query: string } {
  return { query: `subscriptionCount=${subscriptionCount}` };
}
