import { expect } from 'vitest';
import { HERE, TEXT, having, onePage, refused, wrong } from './row.js';
import type { Row } from './row.js';

const read = 'subscriptions.read';
const write = 'subscriptions.write';
const phone = { deviceId: 'phone' };
const news = { deviceId: 'phone', tagName: 'news' };
const HREF = expect.stringContaining(`${HERE}/subscriptions/`) as string;
const BROKEN_CURSOR = Buffer.from('["before",1,0,"a"]').toString('base64url');

/** For the devices and tags of the earlier tables: `phone` of ann, `desk` without a user; news, offers. */
export const SUBSCRIPTIONS: readonly Row[] = [
  ['POST …/subscriptions', write, 'to one tag', { body: news }, 201, subscription('news')],
  [
    'GET …/subscriptions/:subscriptionId',
    read,
    'the new subscription',
    {},
    200,
    { ...subscription('news'), userId: 'ann' },
  ],
  ['DELETE …/subscriptions/:subscriptionId', write, 'the new subscription', {}, 204],
  ['GET …/subscriptions/:subscriptionId', read, 'a removed subscription', {}, 404, refused('FPWSE0012E')],
  ['DELETE …/subscriptions/:subscriptionId', write, 'a removed subscription', {}, 404, refused('FPWSE0012E')],
  ...['9'.repeat(30), 'x', 'Push.ALL-x', '../1'].map((subscriptionId): Row => [
    'GET …/subscriptions/:subscriptionId',
    read,
    `the id ${subscriptionId}`,
    { path: { subscriptionId } },
    404,
    refused('FPWSE0012E'),
  ]),

  [
    'POST …/subscriptions',
    write,
    'to several tags',
    { body: { ...phone, tagNames: ['news', 'Push.ALL', 'none'], tagName: null } },
    207,
    {
      tagsNotFound: { tags: ['none'], message: TEXT, code: 'FPWSE0001E' },
      subscriptionExists: ['Push.ALL'],
      subscribed: [subscription('news')],
    },
  ],
  [
    'GET …/tags',
    'tags.read',
    'counted',
    { query: 'subscriptionCount=true' },
    200,
    having({ tags: [count('news', 1), count('offers', 0)] }),
  ],
  ['POST …/subscriptions', write, 'to one tag twice', { body: news }, 409, refused('FPWSE0011E')],
  [
    'POST …/subscriptions',
    write,
    'of an unknown device',
    { body: { ...news, deviceId: 'none' } },
    404,
    refused('FPWSE0001E', /deviceId/),
  ],
  [
    'POST …/subscriptions',
    write,
    'to an unknown tag',
    { body: { ...news, tagName: 'none' } },
    404,
    refused('FPWSE0001E', /tagName/),
  ],
  ['POST …/subscriptions', write, 'without a tag and without tags', { body: phone }, 400, wrong(/'tagName'/)],
  ['POST …/subscriptions', write, 'a tag and tags', { body: { ...news, tagNames: ['a'] } }, 400, wrong(/'tagName'/)],
  ['POST …/subscriptions', write, 'no device', { body: { tagName: 'news' } }, 400, wrong(/'deviceId'/)],
  ['POST …/subscriptions', write, 'no tags', { body: { ...phone, tagNames: [] } }, 400, wrong(/'tagNames'/)],
  [
    'POST …/subscriptions',
    write,
    'tags that are not text',
    { body: { ...phone, tagNames: ['news', 7] } },
    400,
    wrong(/'tagNames'/),
  ],
  [
    'POST …/subscriptions',
    write,
    '1,001 tags',
    { body: { ...phone, tagNames: Array(1_001).fill('a') } },
    400,
    wrong(/'tagNames'/),
  ],
  ['POST …/subscriptions', write, 'another action', { query: 'action=drop', body: news }, 400, wrong(/'action'/)],
  ['POST …/subscriptions', write, 'a list', { body: [news] }, 400, refused('FPWSE0004E')],

  [
    'GET …/subscriptions',
    read,
    'all',
    {},
    200,
    {
      subscriptions: [listed('news'), listed('Push.ALL'), listed('Push.ALL', 'desk', 'anonymous')],
      pageInfo: onePage(3),
    },
  ],
  [
    'GET …/subscriptions',
    read,
    'short items',
    { query: 'expand=false&tagName=news' },
    200,
    { subscriptions: [subscription('news')], pageInfo: onePage(1) },
  ],
  [
    'GET …/subscriptions',
    read,
    'of a device',
    { query: 'deviceId=desk' },
    200,
    { subscriptions: [listed('Push.ALL', 'desk', 'anonymous')], pageInfo: onePage(1) },
  ],
  ['GET …/subscriptions', read, 'of a user', { query: 'userId=ann' }, 200, having({ pageInfo: onePage(2) })],
  ['GET …/subscriptions', read, 'without a user', { query: 'userId=anonymous' }, 200, having({ pageInfo: onePage(1) })],
  [
    'GET …/subscriptions',
    read,
    'by filter',
    { query: 'filter=tagName==news&filter=deviceId=@ph' },
    200,
    having({ pageInfo: onePage(1) }),
  ],
  [
    'GET …/subscriptions',
    read,
    'of no match',
    { query: 'tagName=nothing&filter=deviceId==x' },
    200,
    having({ subscriptions: [] }),
  ],
  [
    'GET …/subscriptions',
    read,
    'of a very long id',
    { query: `deviceId=${'x'.repeat(3_000)}` },
    200,
    having({ subscriptions: [] }),
  ],
  ['GET …/subscriptions', read, 'two offsets', { query: 'offset=0&offset=1' }, 400, refused('FPWSE1079E')],
  ['GET …/subscriptions', read, 'size NaN', { query: 'size=NaN' }, 400, refused('FPWSE1080E')],
  [
    'GET …/subscriptions',
    read,
    'a cursor of another list',
    { query: `cursor=${BROKEN_CURSOR}` },
    400,
    wrong(/'cursor'/),
  ],

  [
    'POST …/subscriptions',
    write,
    'the end of several subscriptions',
    { query: 'action=delete', body: { ...phone, tagNames: ['news', 'offers', 'none'] } },
    200,
    { deviceId: 'phone', unsubscribed: ['news'] },
  ],
  ['POST …/subscriptions', write, 'a second time', { body: { ...news, tagNames: null } }, 201, subscription('news')],
  ['DELETE …/subscriptions', write, 'a device’s to a tag', { query: 'deviceId=phone&tagName=news' }, 204],
  [
    'DELETE …/subscriptions',
    write,
    'a removed subscription',
    { query: 'deviceId=phone&tagName=news' },
    404,
    refused('FPWSE0012E'),
  ],
  [
    'DELETE …/subscriptions',
    write,
    'without a tag',
    { query: 'deviceId=phone' },
    400,
    refused('FPWSE0008E', /'tagName'/),
  ],
  [
    'DELETE …/subscriptions',
    write,
    'without a device',
    { query: 'tagName=news' },
    400,
    refused('FPWSE0008E', /'deviceId'/),
  ],
  ['DELETE …/subscriptions', write, 'without parameters', {}, 400, refused('FPWSE0008E')],
  [
    'DELETE …/subscriptions',
    write,
    'with another parameter',
    { query: 'deviceId=phone&tagName=news&all=true' },
    400,
    refused('FPWSE0007E'),
  ],
  [
    'DELETE …/subscriptions',
    write,
    'two tags',
    { query: 'deviceId=phone&tagName=news&tagName=offers' },
    400,
    wrong(/'tagName'/),
  ],
  ['DELETE …/subscriptions', write, 'leaving Push.ALL', { query: 'deviceId=desk&tagName=Push.ALL' }, 204],
  [
    'POST …/subscriptions',
    write,
    'joining Push.ALL',
    { body: { deviceId: 'desk', tagName: 'Push.ALL' } },
    201,
    subscription('Push.ALL', 'desk'),
  ],
  // A removed tag removes its subscriptions.
  [
    'POST …/subscriptions',
    write,
    'to a tag that is removed later',
    { body: { ...news, tagName: 'offers' } },
    201,
    subscription('offers'),
  ],
  ['DELETE …/tags/:tagName', 'tags.write', 'the tag with its subscriptions', { path: { tagName: 'offers' } }, 204],
  ['GET …/subscriptions', read, 'of a removed tag', { query: 'tagName=offers' }, 200, having({ subscriptions: [] })],
];

function subscription(tagName: string, deviceId = 'phone'): Record<string, unknown> {
  return { subscriptionId: TEXT, deviceId, tagName, href: HREF };
}

function count(name: string, subscriptionCount: number): unknown {
  return having({ name, subscriptionCount });
}

function listed(tagName: string, deviceId = 'phone', userId = 'ann'): object {
  return { ...subscription(tagName, deviceId), userId };
}
